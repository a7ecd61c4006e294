import { CodedError } from '@ringfleet/shared/errors';
import type { Rollout } from '../../core/domain.ts';
import type { RolloutStore } from '../../ports/stores.ts';
import { ACTIVE_STATES, activeRings } from './active-rings.ts';
import type { ControlDatabase } from './control-database.ts';
import { afterKey, FROM_NEWEST, pageOf } from './page.ts';
import { ringAssigner, ringEvent } from './ring-assigner.ts';

interface RolloutRow {
  seq: number;
  body: string;
}

interface Filter {
  from: number;
  model: string | null;
  isActive: number | null;
  limit: number;
}

export function rolloutStore(db: ControlDatabase): RolloutStore {
  const byId = db.prepare<[string], RolloutRow>('SELECT seq, body FROM rollouts WHERE id = ?');
  const listed = db.prepare<[Filter], RolloutRow>(
    `SELECT seq, body FROM rollouts WHERE seq < @from AND (@model IS NULL OR model = @model)
       AND (@isActive IS NULL OR (state IN ${ACTIVE_STATES}) = @isActive) ORDER BY seq DESC LIMIT @limit`,
  );
  const insert = db.prepare('INSERT INTO rollouts (id, model, state, revision, body) VALUES (?, ?, ?, ?, ?)');
  const update = db.prepare(
    'UPDATE rollouts SET state = ?, revision = ?, body = ? WHERE id = ? AND revision = ?',
  );
  const busyRings = activeRings(db);
  const assign = ringAssigner(db);
  const unassign = db.prepare('DELETE FROM ring_assignments WHERE ring = ? AND model = ?');

  return {
    async list(query) {
      const isActive = query.active === undefined ? null : Number(query.active);
      const from = afterKey(query, FROM_NEWEST);
      const rows = listed.all({ from, model: query.model ?? null, isActive, limit: query.limit + 1 });
      return pageOf(rows, query, (row) => row.seq, toRollout);
    },
    async get(id) {
      const row = byId.get(id);
      return row ? toRollout(row) : null;
    },
    async create(rollout, change, events) {
      db.write((tx) => {
        const busy = busyRings(rollout.model);
        const shared = rollout.rings.find((ring) => busy.has(ring.plan.ring));
        if (shared) {
          throw new CodedError(
            'ROLLOUT_CONFLICT',
            `another rollout of ${rollout.model} goes through ring ${shared.plan.ring}`,
          );
        }
        insert.run(rollout.id, rollout.model, rollout.state, rollout.revision, JSON.stringify(rollout));
        const { model, version, digest, rings } = rollout;
        tx.audit(change, 'rollout.create', rollout.id, {
          model,
          version,
          digest,
          plan: rings.map((r) => r.plan),
        });
        for (const event of events) tx.event(event, change.atMs);
      });
    },
    async save(rollout, assignments, events, change, removals = []) {
      return db.write((tx) => {
        const next: Rollout = { ...rollout, revision: rollout.revision + 1 };
        const body = JSON.stringify(next);
        const saved = update.run(next.state, next.revision, body, next.id, rollout.revision);
        if (saved.changes === 0) return 'stale';
        for (const assignment of assignments) assign(tx, assignment, change);
        for (const { ring, model } of removals) {
          if (unassign.run(ring, model).changes === 0) continue;
          const sentence = `Ring ${ring} is to run no ${model} any more.`;
          tx.event({ ...ringEvent('RING_UNASSIGNED', ring, sentence), model, rollout: next.id }, change.atMs);
        }
        const { state, reasonCode, rings } = next;
        tx.audit(change, 'rollout.save', next.id, {
          state,
          reasonCode,
          revision: next.revision,
          rings: rings.map((ring) => ({
            ring: ring.plan.ring,
            state: ring.state,
            verdict: ring.gate?.verdict,
          })),
          assignments,
          removals,
        });
        for (const event of events) tx.event(event, change.atMs);
        return 'saved';
      });
    },
  };
}

const toRollout = (row: RolloutRow): Rollout => JSON.parse(row.body) as Rollout;
