import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError, type ErrorCode, lookUpCode } from '@ringfleet/shared/errors';
import type { Rollout } from '../core/domain.ts';
import { progressOf } from '../core/explain.ts';
import type { CliContext } from './context.ts';

const LOOK_MS = 500;

/** Follows a rollout on stderr until it no longer runs by itself, and returns how it stands then. */
export async function watchRollout(cli: CliContext, id: string): Promise<Rollout> {
  let shown = '';
  for (;;) {
    const rollout = await getRollout(cli, id);
    const line = progressOf(rollout);
    if (line !== shown) cli.progress(line);
    shown = line;
    if (rollout.state !== 'running') return rollout;
    await sleep(LOOK_MS, undefined, { signal: cli.signal }).catch(() => cli.signal.throwIfAborted());
  }
}

export const getRollout = async (cli: CliContext, id: string): Promise<Rollout> =>
  (await cli.request('GET', `rollouts/${encodeURIComponent(id)}`)) as Rollout;

/** Throws the reason of a rollout that did not complete, so that scripts see it in the exit code. */
export function requireComplete({ state, reason, reasonCode }: Rollout): void {
  if (state === 'completed' || state === 'completedWithStragglers') return;
  const code =
    reasonCode !== null && lookUpCode(reasonCode) ? (reasonCode as ErrorCode) : 'ROLLOUT_STATE_CONFLICT';
  throw new CodedError(code, reason ?? `The rollout is ${state}.`);
}
