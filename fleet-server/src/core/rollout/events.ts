import type { FleetEvent, Rollout } from '../domain.ts';

/** An event before it is stored. */
export type NewEvent = Omit<FleetEvent, 'seq' | 'atMs'>;

export type RolloutEventCode =
  | 'ROLLOUT_CREATED'
  | 'ROLLOUT_RING_OPENED'
  | 'ROLLOUT_RING_PASSED'
  | 'ROLLOUT_RING_REOPENED'
  | 'ROLLOUT_GATE'
  | 'ROLLOUT_PAUSED'
  | 'ROLLOUT_RESUMED'
  | 'ROLLOUT_APPROVED'
  | 'ROLLOUT_HALTED'
  | 'ROLLOUT_ABORTED'
  | 'ROLLOUT_SUPERSEDED'
  | 'ROLLOUT_COMPLETED'
  | 'ROLLOUT_COMPLETED_WITH_STRAGGLERS';

/** A row for the timeline: what happened to a rollout, in words, with what it was decided on. */
export const rolloutEvent = (
  rollout: Rollout,
  code: RolloutEventCode,
  sentence: string,
  data: Readonly<Record<string, unknown>> = {},
): NewEvent => ({
  kind: 'rollout',
  code,
  sentence,
  device: null,
  model: rollout.model,
  rollout: rollout.id,
  data: { version: rollout.version, ...data },
});
