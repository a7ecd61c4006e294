import { readFile } from 'node:fs/promises';
import { CodedError } from '@ringfleet/shared/errors';
import { type Ack, CarriedAcks, checkerOf } from '@ringfleet/shared/protocol';
import { MAX_MANIFEST_BYTES, readManifest } from '@ringfleet/shared/release';
import { type AssignedModel, artifactPath, type CarriedFiles } from '@ringfleet/shared/trust';
import type { Logger } from 'pino';
import type { Desired } from '../core/assignment-plan.ts';
import { checkConstraints, type DeviceFacts, filesOf } from '../core/constraints.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Hasher } from '../ports/hasher.ts';
import type { TakenBundle, TrustStore } from '../ports/trust-store.ts';

/** After this long without a word the person with the stick is gone. */
const ABANDONED_MS = 600_000;

export interface BundleImportOptions {
  readonly trust: Pick<TrustStore, 'takeBundle'>;
  readonly blobs: BlobStore;
  readonly hasher: Hasher;
  readonly facts: () => Promise<DeviceFacts>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onAccepted: (desired: Desired) => void;
  /** Answers how many reports it settled. */
  readonly onAck: (ack: Ack) => Promise<number>;
  readonly onRefused: (code: string, message: string) => void;
}

/** One file that is to be brought next. */
export interface WantedArtifact {
  /** Bare hex. */
  readonly sha256: string;
  readonly length: number;
}

export type ImportReply =
  | { readonly kind: 'wants'; readonly artifacts: readonly WantedArtifact[] }
  | {
      readonly kind: 'imported' | 'same';
      readonly models: readonly { readonly model: string; readonly version: string }[];
      /** Reports that the server has stored and that were forgotten here. */
      readonly acknowledged: number;
    };

const checkAcks = checkerOf(CarriedAcks, 'acknowledgements');

/**
 * Takes a bundle that a person brought. `take` is asked again and again with the same documents: until every artifact is
 * here it names the ones it wants, and only then accepts the assignment, all at once. Whatever breaks off before that leaves
 * nothing behind but verified files that nobody uses.
 */
export class BundleImport {
  readonly #options: BundleImportOptions;
  /** What may be brought: bare hex → signed length. */
  readonly #wanted = new Map<string, number>();
  /** Digests that were hashed from disk during this import. */
  readonly #proven = new Set<string>();
  #lastWordMs = Number.NEGATIVE_INFINITY;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: BundleImportOptions) {
    this.#options = options;
  }

  /** While it is, files that no release uses must not be swept away. */
  get isUnderWay(): boolean {
    return this.#options.clock.nowMs() - this.#lastWordMs < ABANDONED_MS;
  }

  /** Throws the codes of trust and bundles, DISK_SPACE_LOW, MANIFEST_INVALID. Nothing has changed then. */
  take(bundle: string, files: CarriedFiles): Promise<ImportReply> {
    return this.#inTurn(() => this.#take(bundle, files));
  }

  /** Brings one of the wanted files. Throws IMPORT_UNEXPECTED, ARTIFACT_CORRUPT; keeps nothing of it then. */
  bring(sha256: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#inTurn(async () => {
      const length = this.#wanted.get(sha256);
      if (length === undefined) throw new CodedError('IMPORT_UNEXPECTED', undefined, { at: sha256 });
      const digest = `sha256:${sha256}`;
      const { blobs } = this.#options;
      await blobs.append(digest, 0, bytes, length);
      // Hashed again from disk: what counts is what is there, not what came by.
      await blobs.finish(digest);
      this.#proven.add(sha256);
    });
  }

  async #take(bundle: string, files: CarriedFiles): Promise<ImportReply> {
    const { trust, clock, log, onAccepted, onRefused } = this.#options;
    const carried = { bundle, files };
    try {
      const trial = await trust.takeBundle(carried, clock.nowMs(), true);
      const artifacts = await this.#missing(trial);
      if (artifacts.length > 0) return { kind: 'wants', artifacts };
      const { desired, acks } = await trust.takeBundle(carried, clock.nowMs(), false);
      if (desired) onAccepted(desired);
      const acknowledged = await this.#settle(acks);
      log.info({ component: 'import', isNew: desired !== null, acknowledged }, 'bundle taken');
      this.#end();
      const models = (desired?.models ?? []).map(({ model, version }) => ({ model, version }));
      return { kind: desired ? 'imported' : 'same', models, acknowledged };
    } catch (err) {
      const code = err instanceof CodedError ? err.code : 'AGENT_INTERNAL';
      log.error({ component: 'import', code, err }, 'bundle refused');
      onRefused(code, err instanceof Error ? err.message : String(err));
      this.#end();
      throw err;
    }
  }

  /** What of the assigned releases is not here yet: the manifests first, then the files of the variants this device takes. */
  async #missing({ desired, files }: TakenBundle): Promise<WantedArtifact[]> {
    const lengths = new Map(files.map(({ path, length }) => [path, length]));
    const facts = await this.#options.facts();
    this.#wanted.clear();
    let neededBytes = 0;
    for (const model of desired?.models ?? []) {
      for (const { sha256, length } of await this.#filesOf(model, facts)) {
        if (this.#wanted.has(sha256) || (await this.#isHere(sha256, length))) continue;
        if (lengths.get(artifactPath(sha256)) !== length) {
          const at = artifactPath(sha256);
          throw new CodedError('BUNDLE_INCOMPLETE', `the bundle lacks ${at} of ${model.model}`, { at });
        }
        this.#wanted.set(sha256, length);
        neededBytes += length;
      }
    }
    if (neededBytes + facts.diskReserveBytes > facts.diskFreeBytes) {
      throw new CodedError(
        'DISK_SPACE_LOW',
        `the bundle needs ${neededBytes} bytes and a reserve of ${facts.diskReserveBytes}, here are ${facts.diskFreeBytes}`,
      );
    }
    return [...this.#wanted].map(([sha256, length]) => ({ sha256, length }));
  }

  async #filesOf(assigned: AssignedModel, facts: DeviceFacts): Promise<readonly WantedArtifact[]> {
    const { model, version, digest, manifestLength, variants } = assigned;
    const own = { sha256: bare(digest), length: manifestLength };
    if (manifestLength > MAX_MANIFEST_BYTES)
      throw new CodedError('MANIFEST_INVALID', `${manifestLength} bytes`);
    if (!(await this.#isHere(own.sha256, own.length))) return [own];
    const manifest = readManifest(await readFile(this.#options.blobs.path(digest)));
    if (manifest.model !== model || manifest.version !== version) {
      throw new CodedError('MANIFEST_MISMATCH', `the manifest is of ${manifest.model} ${manifest.version}`);
    }
    const choice = checkConstraints(manifest, variants, facts);
    if (choice.ok) {
      return filesOf(manifest, choice.variant).map((file) => ({
        sha256: bare(file.sha256),
        length: file.sizeBytes,
      }));
    }
    if (choice.code === 'DISK_SPACE_LOW') throw new CodedError(choice.code, choice.sentence);
    // The machine of the model will refuse it and report why, as it does online.
    return [];
  }

  async #isHere(sha256: string, length: number): Promise<boolean> {
    const { blobs, hasher } = this.#options;
    const digest = `sha256:${sha256}`;
    if (!(await blobs.has(digest, length))) return false;
    if (this.#proven.has(sha256)) return true;
    // There is no network to fetch it from once it turns out to have rotted.
    if ((await hasher.sha256OfFile(blobs.path(digest))) !== sha256) {
      await blobs.remove(digest);
      return false;
    }
    this.#proven.add(sha256);
    return true;
  }

  async #settle(acks: string | null): Promise<number> {
    if (acks === null) return 0;
    let count = 0;
    for (const ack of checkAcks(JSON.parse(acks)).acks) count += await this.#options.onAck(ack);
    return count;
  }

  #end(): void {
    this.#wanted.clear();
    this.#proven.clear();
    this.#lastWordMs = Number.NEGATIVE_INFINITY;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#lastWordMs = this.#options.clock.nowMs();
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

const bare = (digest: string): string => digest.slice('sha256:'.length);
