import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import {
  type AcceptedAssignment,
  type Assignment,
  crossCheck,
  type ModelRole,
  peekAssignment,
  type Root,
  readRoot,
  verifyAssignment,
  verifyModelRole,
  verifyRoot,
  verifyTargets,
} from '@ringfleet/shared/trust';
import type { Database } from 'better-sqlite3';
import type { Desired } from '../core/assignment-plan.ts';
import type { Inspection, TrustStore } from '../ports/trust-store.ts';

type Sync<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never;
};

/** Trusted documents in control.db; the first root is the one that was pinned at enrollment. */
export class TrustDocuments implements Sync<TrustStore> {
  readonly #db: Database;
  readonly #pinnedRoot: string;
  #device = '';

  constructor(db: Database, stateDir: string) {
    this.#db = db;
    this.#pinnedRoot = join(stateDir, 'trust', 'root.json');
  }

  /** Whose assignments are taken. */
  setDevice(device: string): void {
    this.#device = device;
  }

  rootVersion(): number {
    return this.#root().version;
  }

  addRoot(document: string, nowMs: number): void {
    const root = verifyRoot(this.#rootText(), document, null);
    this.#store('root', root.version, document, nowMs);
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

  accept(offer: Parameters<TrustStore['accept']>[0], nowMs: number): Desired {
    const assignment = this.#verify(offer.document, nowMs);
    const roles = new Map<string, ModelRole>();
    const stored: { role: string; version: number; document: string }[] = [];
    // An assignment without models needs no publisher: a device can always be emptied.
    if (assignment.models.length > 0) {
      if (offer.targets === null)
        throw new CodedError('RELEASE_NOT_SIGNED', 'the targets metadata is missing');
      const targets = verifyTargets(this.#root(), offer.targets, nowMs, this.#version('targets'));
      stored.push({ role: 'targets', version: targets.version, document: offer.targets });
      for (const { model } of assignment.models) {
        const document = offer.modelRoles[model];
        if (document === undefined) {
          throw new CodedError('RELEASE_NOT_SIGNED', `the metadata of ${model} is missing`);
        }
        const role = verifyModelRole(targets, model, document, nowMs, this.#version(`m.${model}`));
        roles.set(model, role);
        stored.push({ role: `m.${model}`, version: role.version, document });
      }
    }
    const models = crossCheck(assignment, roles, this.#floors());
    const desired: Desired = { generation: assignment.generation, models };
    this.#db.transaction(() => {
      for (const one of stored) this.#store(one.role, one.version, one.document, nowMs);
      this.#keep(assignment, desired, offer.document, nowMs);
    })();
    return desired;
  }

  #verify(document: string, nowMs: number): Assignment {
    return verifyAssignment(this.#root(), document, { device: this.#device, nowMs, last: this.#accepted() });
  }

  #keep(assignment: Assignment, desired: Desired, document: string, nowMs: number): void {
    const { directorEpoch, tufVersion, generation, contentHash } = assignment;
    const accepted: AcceptedAssignment = { directorEpoch, tufVersion, generation, contentHash };
    this.#db
      .prepare(
        `INSERT INTO accepted_assignment (id, accepted, desired, document, accepted_at) VALUES (1, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET accepted = excluded.accepted, desired = excluded.desired,
           document = excluded.document, accepted_at = excluded.accepted_at`,
      )
      .run(JSON.stringify(accepted), JSON.stringify(desired), document, nowMs);
  }

  #accepted(): AcceptedAssignment | null {
    const row = this.#db.prepare<[], { accepted: string }>('SELECT accepted FROM accepted_assignment').get();
    return row ? (JSON.parse(row.accepted) as AcceptedAssignment) : null;
  }

  #floors(): Map<string, number> {
    const rows = this.#db
      .prepare<[], { model: string; floor: number }>('SELECT model, floor FROM floors')
      .all();
    return new Map(rows.map((row) => [row.model, row.floor]));
  }

  #root(): Root {
    return readRoot(this.#rootText());
  }

  #rootText(): string {
    const row = this.#db
      .prepare<[], { document: string }>(
        "SELECT document FROM trust_documents WHERE role = 'root' ORDER BY version DESC LIMIT 1",
      )
      .get();
    return row?.document ?? readFileSync(this.#pinnedRoot, 'utf8');
  }

  #version(role: string): number {
    const row = this.#db
      .prepare<[string], { version: number | null }>(
        'SELECT MAX(version) AS version FROM trust_documents WHERE role = ?',
      )
      .get(role);
    return row?.version ?? 0;
  }

  #store(role: string, version: number, document: string, nowMs: number): void {
    if (role !== 'root')
      this.#db.prepare('DELETE FROM trust_documents WHERE role = ? AND version < ?').run(role, version);
    this.#db
      .prepare(
        'INSERT OR REPLACE INTO trust_documents (role, version, document, stored_at) VALUES (?, ?, ?, ?)',
      )
      .run(role, version, document, nowMs);
  }
}
