import { CodedError } from '@ringfleet/shared/errors';
import type { Ring, RingAssignment } from '../../core/domain.ts';
import type { RingStore } from '../../ports/stores.ts';
import { activeRings } from './active-rings.ts';
import type { ControlDatabase } from './control-database.ts';
import { type AssignmentRow, ringAssigner, ringEvent } from './ring-assigner.ts';

interface RingRow {
  name: string;
  ordinal: number;
  selector: string | null;
  devices: string;
  share_basis_points: number | null;
  revision: number;
}

export function ringStore(db: ControlDatabase): RingStore {
  const all = db.prepare<[], RingRow>('SELECT * FROM rings ORDER BY ordinal, name');
  const byName = db.prepare<[string], RingRow>('SELECT * FROM rings WHERE name = ?');
  const upsert = db.prepare(
    `INSERT INTO rings (name, ordinal, selector, devices, share_basis_points, revision) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET ordinal = excluded.ordinal, selector = excluded.selector,
       devices = excluded.devices, share_basis_points = excluded.share_basis_points, revision = excluded.revision`,
  );
  const removeAssignments = db.prepare('DELETE FROM ring_assignments WHERE ring = ?');
  const remove = db.prepare('DELETE FROM rings WHERE name = ?');
  const assignments = db.prepare<[], AssignmentRow>('SELECT * FROM ring_assignments ORDER BY ring, model');
  const busyRings = activeRings(db);
  const assign = ringAssigner(db);

  return {
    async list() {
      return all.all().map(toRing);
    },
    async put(ring, ifRevision, change) {
      return db.write((tx) => {
        const before = byName.get(ring.name);
        if (ifRevision !== null && ifRevision !== (before?.revision ?? 0)) {
          throw new CodedError(
            'REVISION_CONFLICT',
            `ring ${ring.name} has revision ${before?.revision ?? 0}, not ${ifRevision}`,
          );
        }
        const { name, ordinal, selector, devices, shareBasisPoints } = ring;
        const revision = (before?.revision ?? 0) + 1;
        upsert.run(name, ordinal, selector, JSON.stringify(devices), shareBasisPoints, revision);
        tx.audit(change, 'ring.put', name, { ...ring, revision });
        tx.event(
          ringEvent('RING_CHANGED', name, `Ring ${name} was ${before ? 'changed' : 'created'}.`),
          change.atMs,
        );
        return { ...ring, revision };
      });
    },
    async remove(name, change) {
      db.write((tx) => {
        if (!byName.get(name)) throw new CodedError('RING_UNKNOWN', `there is no ring ${name}`);
        if (busyRings().has(name)) throw new CodedError('RING_IN_USE', `a rollout goes through ring ${name}`);
        removeAssignments.run(name);
        remove.run(name);
        tx.audit(change, 'ring.remove', name);
        tx.event(ringEvent('RING_REMOVED', name, `Ring ${name} was removed.`), change.atMs);
      });
    },
    async assignments() {
      return assignments.all().map(toAssignment);
    },
    async assign(assignment, change) {
      db.write((tx) => {
        assign(tx, assignment, change);
        tx.audit(change, 'ring.assign', assignment.ring, assignment);
      });
    },
  };
}

const toRing = (row: RingRow): Ring => ({
  name: row.name,
  ordinal: row.ordinal,
  selector: row.selector,
  devices: JSON.parse(row.devices),
  shareBasisPoints: row.share_basis_points,
  revision: row.revision,
});

const toAssignment = (row: AssignmentRow): RingAssignment => ({
  ring: row.ring,
  model: row.model,
  version: row.version,
  digest: row.digest,
  attempt: row.attempt,
  rollout: row.rollout,
  soak: row.soak ? JSON.parse(row.soak) : null,
  terms: row.terms ? JSON.parse(row.terms) : null,
  sinceMs: row.since_ms,
});
