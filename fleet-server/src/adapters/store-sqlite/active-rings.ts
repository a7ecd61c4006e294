import type { Rollout } from '../../core/domain.ts';
import type { ControlDatabase } from './control-database.ts';

/** States in which a rollout owns its rings. A halted one has stopped for good; a newer one may take them over. */
export const ACTIVE_STATES = `('running', 'paused')`;

/** The rings of active rollouts, of one model or of all. */
export function activeRings(db: ControlDatabase): (model?: string) => ReadonlySet<string> {
  const active = db.prepare<[{ model: string | null }], { body: string }>(
    `SELECT body FROM rollouts WHERE state IN ${ACTIVE_STATES} AND (@model IS NULL OR model = @model)`,
  );
  return (model) => {
    const rollouts = active.all({ model: model ?? null }).map((row) => JSON.parse(row.body) as Rollout);
    return new Set(rollouts.flatMap((rollout) => rollout.rings.map((ring) => ring.plan.ring)));
  };
}
