import type { Principal, Rollout } from '../core/domain.ts';
import { type FleetState, type Step, snapshotOf } from '../core/rollout/snapshot.ts';
import { tick } from '../core/rollout/tick.ts';
import type { Clock, Log } from '../ports/log.ts';
import type { Stores } from '../ports/stores.ts';
import { activeRollouts, loadFleetState } from './fleet-state.ts';
import { saveStep } from './save-step.ts';

export interface EngineParts {
  readonly stores: Stores;
  readonly clock: Clock;
  readonly log: Log;
  /** How often it looks although nothing was reported: bakes and deadlines end by time alone. */
  readonly tickMs: number;
  /** Devices whose ring was given something else; for servers that do not follow the events table. */
  readonly pushDesired?: (devices: readonly string[]) => Promise<void>;
  /** A run of the tick that takes longer is given up and logged; compare-and-set makes what it still does harmless. */
  readonly deadlineMs?: number;
}

export interface RolloutEngine {
  /** Ends after the run that is going on, or after its deadline. */
  stop(): Promise<void>;
}

const SYSTEM: Principal = { kind: 'system', name: 'rollout-engine', role: 'admin' };
const DEADLINE_MS = 30_000;
/** Many reports at once are one look. */
const GATHER_MS = 50;

/**
 * Ticks every active rollout on a timer and soon after anything was reported. One run at a time; several engines on
 * one store are safe, because each step is saved with compare-and-set and the loser reads again.
 */
export function startRolloutEngine(parts: EngineParts): RolloutEngine {
  const { stores, log, tickMs, deadlineMs = DEADLINE_MS } = parts;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let isAskedAgain = false;
  let isStopped = false;

  const lookIn = (ms: number): void => {
    if (isStopped || running !== null) return;
    if (timer) clearTimeout(timer);
    timer = setTimeout(look, ms);
  };
  const look = (): void => {
    isAskedAgain = false;
    running = withDeadline(tickAll(parts), deadlineMs)
      .catch((err: unknown) => log.error({ err, component: 'rollout-engine' }, 'rollout tick failed'))
      .finally(() => {
        running = null;
        lookIn(isAskedAgain ? GATHER_MS : tickMs);
      });
  };
  const unsubscribe = stores.events.onAppend(() => {
    if (isAskedAgain) return;
    isAskedAgain = true;
    lookIn(GATHER_MS);
  });
  lookIn(0);

  return {
    async stop() {
      isStopped = true;
      unsubscribe();
      if (timer) clearTimeout(timer);
      await running;
    },
  };
}

/** One look at all active rollouts. One that fails does not keep the others from moving. */
export async function tickAll({ stores, clock, log, pushDesired }: EngineParts): Promise<void> {
  const rollouts = await activeRollouts(stores);
  if (rollouts.length === 0) return;
  const fleet = await loadFleetState(stores, rollouts);
  for (const rollout of rollouts) {
    try {
      const nowMs = clock();
      const step = tick(snapshotOf(rollout, fleet), nowMs);
      const outcome = await saveStep(stores, rollout, step, { by: SYSTEM, atMs: nowMs });
      if (outcome !== 'saved') continue;
      logStep(log, rollout, step);
      const devices = concerned(fleet, step);
      if (devices.length > 0) await pushDesired?.(devices);
    } catch (err) {
      log.error({ err, component: 'rollout-engine', rollout: rollout.id }, 'rollout step failed');
    }
  }
}

function concerned({ membership }: FleetState, { assignments, removals }: Step): readonly string[] {
  return [...assignments, ...removals].flatMap(({ ring }) => membership.members.get(ring) ?? []);
}

function logStep(log: Log, before: Rollout, { rollout, events }: Step): void {
  const { id, model, version, state, reasonCode } = rollout;
  const fields = { component: 'rollout-engine', rollout: id, model, release: version, state };
  for (const { code, sentence } of events) log.info({ ...fields, code, sentence }, 'rollout step');
  if (state !== before.state && reasonCode) log.warn({ ...fields, code: reasonCode }, 'rollout stopped');
}

async function withDeadline(work: Promise<void>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    await Promise.race([work, overdue]);
  } finally {
    clearTimeout(timer);
  }
}
