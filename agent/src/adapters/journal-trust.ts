import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { TimeReply } from '@ringfleet/shared/protocol';
import {
  type AcceptedAssignment,
  type AssignedModel,
  type Assignment,
  acksPath,
  assignmentPath,
  type CarriedFiles,
  checkCarriedFiles,
  crossCheck,
  DEFAULT_RULES,
  loadTargets,
  lostItsKeys,
  modelRoleName,
  peekAssignment,
  type Root,
  readRoot,
  refresh,
  refreshByBundle,
  refreshRoot,
  type StoredMetadata,
  type TrustedSet,
  verifyAssignment,
  verifyModelRole,
  verifySignedTime,
  verifyTargets,
  verifyWipeOrder,
  type WipeOrder,
  type Workflow,
} from '@ringfleet/shared/trust';
import type { Database } from 'better-sqlite3';
import type { Desired } from '../core/assignment-plan.ts';
import { unchangedModels } from '../core/unchanged-models.ts';
import type { TimeStore } from '../ports/time-store.ts';
import type {
  CarriedDocuments,
  FetchedFiles,
  HeldModel,
  Inspection,
  KeptDocument,
  TakenBundle,
  TrustStore,
  Wants,
} from '../ports/trust-store.ts';
import { acceptedBundleOf } from './accepted-bundle.ts';
import { orUndone } from './or-undone.ts';
import { TrustMetadataSqlite } from './trust-metadata-sqlite.ts';
import { TrustedTimeSqlite } from './trusted-time-sqlite.ts';

type Sync<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never;
};

/** From the root to each model's role, and what was refused of a role. */
interface Chain {
  readonly set: TrustedSet;
  readonly refused: ReadonlyMap<string, CodedError>;
}

/** What is carried here is taken whole or not at all. */
const NONE_UNCHANGED: ReadonlyMap<string, AssignedModel> = new Map();

/** Trusted documents in control.db; the first root is the one that was pinned at enrollment. */
export class TrustDocuments implements Sync<TrustStore & TimeStore> {
  readonly #db: Database;
  readonly #metadata: TrustMetadataSqlite;
  readonly #time: TrustedTimeSqlite;
  /** Makes a change one transaction that is also kept outside of the journal. */
  readonly #during: (change: () => void) => void;
  #whose = { fleet: '', device: '' };

  constructor(db: Database, stateDir: string, during = (change: () => void): void => change()) {
    this.#db = db;
    this.#during = during;
    this.#metadata = new TrustMetadataSqlite(db, join(stateDir, 'trust', 'minimum.json'));
    this.#time = new TrustedTimeSqlite(db);
    const pinned = join(stateDir, 'trust', 'root.json');
    if (existsSync(pinned)) this.#startFrom(readFileSync(pinned));
  }

  /** A device that was enrolled again, under another root, owes nothing to the old one. */
  #startFrom(pinned: Uint8Array): void {
    if (this.#metadata.startFrom(pinned) === 'kept') return;
    this.#during(() => {
      this.#db.prepare('DELETE FROM floors').run();
      this.#db.prepare('DELETE FROM accepted_assignment').run();
      this.#time.forget();
    });
  }

  /** Whose assignments and time are taken: fleets of one server may have devices of one name. */
  setDevice(fleet: string, device: string): void {
    this.#whose = { fleet, device };
  }

  timeBasis(): { rootVersion: number; persistedMs: number } {
    const outcome = this.#follow(refreshRoot(this.#metadata.load(), 0, DEFAULT_RULES), among({}));
    // It asks for the root that follows the one it starts from.
    const next = outcome.kind === 'wants' ? Number.parseInt(outcome.file, 10) : 1;
    return { rootVersion: next - 1, persistedMs: this.#time.persistedMs() };
  }

  acceptTime(
    { time, roots }: TimeReply,
    nonce: string,
    nowMs: number,
  ): { atMs: number; persistedMs: number } {
    const { rootVersion } = this.timeBasis();
    const fetched = roots.map((text, i) => [`${rootVersion + i + 1}.root.json`, text] as const);
    const end = [`${rootVersion + roots.length + 1}.root.json`, null] as const;
    this.refreshRoot(Object.fromEntries([...fetched, end]), nowMs);
    const signed = verifySignedTime(this.#root(), time, { nonce, fleet: this.#whose.fleet });
    this.#time.raise(signed);
    return { atMs: signed.atMs, persistedMs: this.#time.persistedMs() };
  }

  refreshRoot(fetched: FetchedFiles, nowMs: number): Wants | { kind: 'root'; version: number } {
    const outcome = this.#follow(refreshRoot(this.#metadata.load(), nowMs, DEFAULT_RULES), among(fetched));
    return outcome.kind === 'wants' ? outcome : { kind: 'root', version: outcome.value.root.signed.version };
  }

  kept(): readonly KeptDocument[] {
    const { root, roles } = this.#metadata.load();
    const models = [...roles.keys()].filter((role) => role.startsWith(modelRoleName('')));
    const inOrder = ['targets', ...models, 'snapshot', 'timestamp'].map(
      (role) => [role, roles.get(role)] as const,
    );
    return [['root', root ?? undefined] as const, ...inOrder].flatMap(([role, bytes]) =>
      bytes ? [{ file: `${role}.json`, text: Buffer.from(bytes).toString() }] : [],
    );
  }

  confirm({ model, digest }: { readonly model: string; readonly digest: string }): void {
    const { roles } = this.#metadata.load();
    const text = (role: string): string => {
      const bytes = roles.get(role);
      if (!bytes) throw new CodedError('METADATA_MISSING', `${role} is not on this disk`);
      return Buffer.from(bytes).toString();
    };
    const targets = verifyTargets(this.#root(), text('targets'), null);
    const role = verifyModelRole(targets, model, text(modelRoleName(model)), null);
    const release = role.releases.find((one) => `sha256:${one.sha256}` === digest);
    if (!release)
      throw new CodedError('RELEASE_NOT_SIGNED', `${digest} is not among the releases of ${model}`);
    const floor = Math.max(role.minReleaseCounter, this.#floors().get(model) ?? 0);
    if (release.releaseCounter >= floor) return;
    const counters = `${release.releaseCounter}, below the floor ${floor}`;
    throw new CodedError(
      'RELEASE_BELOW_FLOOR',
      `${model} ${release.version} has release counter ${counters}`,
    );
  }

  verifyWipe(document: string, done: readonly string[], nowMs: number): WipeOrder {
    return verifyWipeOrder(this.#root(), document, { ...this.#whose, nowMs, done });
  }

  inspect(document: string, nowMs: number): Inspection {
    const last = this.#accepted();
    const claim = peekAssignment(document);
    const isSame =
      last?.directorEpoch === claim.directorEpoch &&
      last.tufVersion === claim.tufVersion &&
      last.generation === claim.generation;
    if (isSame) return { kind: 'same' };
    const { generation, models } = this.#verify(document, nowMs);
    return { kind: 'new', generation, models: models.map((one) => one.model) };
  }

  accept(
    document: string,
    fetched: FetchedFiles,
    nowMs: number,
  ): Wants | { kind: 'accepted'; desired: Desired; held: readonly HeldModel[] } {
    const assignment = this.#verify(document, nowMs);
    let chain: Chain | null = null;
    // An assignment without models needs no publisher: a device can always be emptied.
    if (assignment.models.length > 0) {
      const names = assignment.models.map(({ model }) => model);
      const outcome = this.#follow(this.#wholeChain(names, nowMs), among(fetched));
      if (outcome.kind === 'wants') return outcome;
      chain = outcome.value;
      // The root may have become newer on the way, and with it the director's keys.
      this.#verify(document, nowMs);
    }
    const unchanged = unchangedModels(assignment, this.#desired());
    return { kind: 'accepted', ...this.#agree(assignment, chain, unchanged, document, nowMs) };
  }

  /**
   * The same out of a bundle that was carried here: its date and its list stand in for timestamp and snapshot, and for the
   * date of the assignment that it names. One transaction; `isTrial` ends it without keeping anything.
   */
  takeBundle({ bundle: text, files }: CarriedDocuments, nowMs: number, isTrial: boolean): TakenBundle {
    const { device } = this.#whose;
    return orUndone(this.#db, isTrial, () => {
      const stored = this.#metadata.load();
      const check = { ...this.#whose, nowMs, last: acceptedBundleOf(stored) };
      const { bundle, set: top } = this.#followCarried(
        refreshByBundle(stored, text, check, DEFAULT_RULES),
        files,
      );
      checkCarriedFiles(bundle, device, files);
      const taken = { files: bundle.files, acks: files[acksPath(device)] ?? null };
      if (bundle.isKnown) return { ...taken, desired: null };
      const document = files[assignmentPath(device)] ?? '';
      const last = this.#accepted();
      const assignment = verifyAssignment(this.#root(), document, {
        ...this.#whose,
        nowMs,
        last,
        isVouchedFor: true,
      });
      const names = assignment.models.map(({ model }) => model);
      const chain = this.#followCarried(this.#modelRoles(top, stored, names), files);
      const { desired } = this.#agree(assignment, chain, NONE_UNCHANGED, document, top.nowMs);
      return { ...taken, desired };
    });
  }

  /**
   * What director and publishers agree on becomes what is accepted. What is refused of a model that the assignment leaves
   * as it is stops nothing else.
   */
  #agree(
    assignment: Assignment,
    chain: Chain | null,
    unchanged: ReadonlyMap<string, AssignedModel>,
    document: string,
    nowMs: number,
  ): { desired: Desired; held: readonly HeldModel[] } {
    const held: HeldModel[] = [];
    const models: AssignedModel[] = [];
    const targets = chain && verifyTargets(this.#root(), textOf(chain.set, 'targets'), nowMs);
    for (const assigned of assignment.models) {
      if (!chain || !targets) break;
      const { model } = assigned;
      const old = unchanged.get(model);
      try {
        const err = chain.refused.get(model);
        if (err) throw err;
        const role = verifyModelRole(targets, model, textOf(chain.set, modelRoleName(model)), nowMs);
        const alone = { ...assignment, models: [assigned] };
        models.push(...crossCheck(alone, new Map([[model, role]]), this.#floors()));
      } catch (err) {
        if (!(err instanceof CodedError) || old === undefined) throw err;
        models.push(old);
        held.push({ model, code: err.code, message: err.message });
      }
    }
    const desired: Desired = { generation: assignment.generation, models };
    this.#keep(assignment, desired, document, nowMs);
    return { desired, held };
  }

  *#wholeChain(models: readonly string[], nowMs: number): Workflow<Chain> {
    const stored = this.#metadata.load();
    return yield* this.#modelRoles(yield* refresh(stored, nowMs, DEFAULT_RULES), stored, models);
  }

  /** Each model's role; what is refused of one model is for the caller to judge. */
  *#modelRoles(start: TrustedSet, stored: StoredMetadata, models: readonly string[]): Workflow<Chain> {
    const refused = new Map<string, CodedError>();
    let set = start;
    for (const model of models) {
      try {
        set = yield* this.#modelRole(set, stored, model);
      } catch (err) {
        if (!(err instanceof CodedError)) throw err;
        refused.set(model, err);
      }
    }
    return { set, refused };
  }

  *#modelRole(set: TrustedSet, stored: StoredMetadata, model: string): Workflow<TrustedSet> {
    const role = modelRoleName(model);
    const isDelegated = Object.hasOwn(set.targets.get('targets')?.signed.delegations?.roles ?? {}, role);
    if (!isDelegated) throw new CodedError('MODEL_NOT_DELEGATED', `no publisher may sign for model ${model}`);
    const old = stored.roles.get(role);
    // The publisher's floor of today still holds: it stands in the role's new document.
    if (old && lostItsKeys(set, role, 'targets', old)) {
      this.#db.prepare('DELETE FROM floors WHERE model = ?').run(model);
    }
    return yield* loadTargets(set, stored, role, 'targets');
  }

  /** Drives a workflow with the files that are here so far. What it verified is kept at once (TUF 5.3.8, 5.4.5 …). */
  #follow<T>(workflow: Workflow<T>, fileOf: FileOf): Wants | { kind: 'done'; value: T } {
    let reply: Uint8Array | null | undefined;
    for (;;) {
      const step = workflow.next(reply);
      if (step.done) return { kind: 'done', value: step.value };
      const request = step.value;
      reply = undefined;
      if (request.type !== 'fetch') {
        this.#db.transaction(() => {
          this.#metadata.apply(request);
          if (request.type === 'keepRoot') this.#time.keepOnlyUnder(this.#root());
        })();
        continue;
      }
      const text = fileOf(request.file);
      if (text === undefined) return { kind: 'wants', file: request.file };
      reply = text === null ? null : Buffer.from(text);
    }
  }

  /** The same with all the files there will ever be. */
  #followCarried<T>(workflow: Workflow<T>, files: CarriedFiles): T {
    const carried = among(files);
    const outcome = this.#follow(workflow, (file) => carried(`metadata/${file}`) ?? null);
    if (outcome.kind === 'done') return outcome.value;
    throw new CodedError('BUNDLE_INCOMPLETE', `the bundle lacks ${outcome.file}`);
  }

  #verify(document: string, nowMs: number): Assignment {
    return verifyAssignment(this.#root(), document, { ...this.#whose, nowMs, last: this.#accepted() });
  }

  #keep(assignment: Assignment, desired: Desired, document: string, nowMs: number): void {
    const { directorEpoch, tufVersion, generation, contentHash } = assignment;
    const accepted: AcceptedAssignment = { directorEpoch, tufVersion, generation, contentHash };
    const insert = this.#db.prepare(
      `INSERT INTO accepted_assignment (id, accepted, desired, document, accepted_at) VALUES (1, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET accepted = excluded.accepted, desired = excluded.desired,
         document = excluded.document, accepted_at = excluded.accepted_at`,
    );
    this.#during(() => {
      insert.run(JSON.stringify(accepted), JSON.stringify(desired), document, nowMs);
    });
  }

  #accepted(): AcceptedAssignment | null {
    const row = this.#db.prepare<[], { accepted: string }>('SELECT accepted FROM accepted_assignment').get();
    return row ? (JSON.parse(row.accepted) as AcceptedAssignment) : null;
  }

  #desired(): Desired | null {
    const row = this.#db.prepare<[], { desired: string }>('SELECT desired FROM accepted_assignment').get();
    return row ? (JSON.parse(row.desired) as Desired) : null;
  }

  #floors(): Map<string, number> {
    const rows = this.#db
      .prepare<[], { model: string; floor: number }>('SELECT model, floor FROM floors')
      .all();
    return new Map(rows.map((row) => [row.model, row.floor]));
  }

  #root(): Root {
    return readRoot(this.#metadata.rootText());
  }
}

type FileOf = (file: string) => string | null | undefined;

const among =
  (files: FetchedFiles): FileOf =>
  (file) =>
    Object.hasOwn(files, file) ? files[file] : undefined;

function textOf(set: TrustedSet, role: string): string {
  const metadata = set.targets.get(role);
  if (!metadata) throw new CodedError('RELEASE_NOT_SIGNED', `the metadata of ${role} is missing`);
  return Buffer.from(metadata.bytes).toString();
}
