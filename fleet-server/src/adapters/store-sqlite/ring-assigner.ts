import { CodedError } from '@ringfleet/shared/errors';
import type { RingAssignment } from '../../core/domain.ts';
import type { Change, NewEvent } from '../../ports/stores.ts';
import type { ControlDatabase, Tx } from './control-database.ts';

export interface AssignmentRow {
  ring: string;
  model: string;
  version: string;
  digest: string;
  attempt: number;
  rollout: string | null;
  soak: string | null;
  terms: string | null;
  since_ms: number;
}

/** Writes one ring assignment inside the caller's transaction, with its event when it changes anything. */
export function ringAssigner(
  db: ControlDatabase,
): (tx: Tx, assignment: Omit<RingAssignment, 'sinceMs'>, change: Change) => void {
  const ring = db.prepare<[string], { name: string }>('SELECT name FROM rings WHERE name = ?');
  const release = db.prepare<[string, string], { digest: string; yanked_at_ms: number | null }>(
    'SELECT digest, yanked_at_ms FROM releases WHERE model = ? AND version = ?',
  );
  const current = db.prepare<[string, string], AssignmentRow>(
    'SELECT * FROM ring_assignments WHERE ring = ? AND model = ?',
  );
  const upsert = db.prepare(
    `INSERT OR REPLACE INTO ring_assignments (ring, model, version, digest, attempt, rollout, soak, terms, since_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return (tx, { ring: name, model, version, digest, attempt, rollout, soak, terms }, change) => {
    if (!ring.get(name)) throw new CodedError('RING_UNKNOWN', `there is no ring ${name}`);
    const published = release.get(model, version);
    if (published?.digest !== digest) {
      throw new CodedError('RELEASE_UNKNOWN', `${model} ${version} is not published with this digest`);
    }
    if (published.yanked_at_ms !== null)
      throw new CodedError('RELEASE_YANKED', `${model} ${version} is yanked`);
    const before = current.get(name, model);
    const isSame = before?.digest === digest && before.attempt === attempt;
    const sinceMs = isSame ? before.since_ms : change.atMs;
    const [soakText, termsText] = [soak, terms].map((one) => (one ? JSON.stringify(one) : null));
    upsert.run(name, model, version, digest, attempt, rollout, soakText, termsText, sinceMs);
    if (isSame && before.terms === termsText) return;
    const sentence = isSame
      ? `Ring ${name} is to run ${model} ${version} under other terms.`
      : `Ring ${name} is to run ${model} ${version}.`;
    tx.event(
      { ...ringEvent('RING_ASSIGNED', name, sentence, { version, digest }), model, rollout },
      change.atMs,
    );
  };
}

export const ringEvent = (
  code: string,
  ring: string,
  sentence: string,
  data: Record<string, unknown> = {},
): NewEvent => ({
  kind: 'ring',
  code,
  sentence,
  device: null,
  model: null,
  rollout: null,
  data: { ring, ...data },
});
