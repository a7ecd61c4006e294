import type { Evidence, Step } from './update-events.ts';
import { eventOfRollback, type StateReportExtra, stateReport } from './update-reports.ts';
import { answerOf, type BusyState, type Failure, type Installed, type UpdateState } from './update-state.ts';

const MAX_FAILED = 32;

/** Nothing that anybody needs to hear of. */
export const same = (state: UpdateState): Step => ({ state, reports: [] });

/** A transition, with its report. */
export function moved(from: UpdateState, state: UpdateState, extra: StateReportExtra = {}): Step {
  return { state, reports: [{ stream: 'state', body: stateReport(from, state, extra) }] };
}

/** Back to what is committed, with a typed reason; the same try never starts again. */
export function giveUp(
  state: BusyState,
  why: { readonly code: string; readonly reason: string },
  nowMs: number,
  evidence?: Evidence,
): Step {
  const failure: Failure = { code: why.code, reason: why.reason.slice(0, 1000), phase: state.phase };
  const failed = bar(state, state.job.digest, state.job.attempt);
  const setback = { ...failure, version: state.job.version, atMs: nowMs };
  const after = { ...settled({ ...state, failed, setback }, nowMs), answered: answerOf(state.job) };
  const step = moved(state, after, { failure, release: state.job, ...(evidence ? { evidence } : {}) });
  const wasLive = state.phase === 'activating' || state.phase === 'soaking';
  return wasLive
    ? { ...step, reports: [...step.reports, eventOfRollback(state, state.job.version, failure)] }
    : step;
}

/** Where a machine rests when its try is over: on what is committed. */
export function settled(state: BusyState, nowMs: number): UpdateState {
  const { committed } = state;
  const common = { ...rest(state), sinceMs: nowMs };
  return committed
    ? { ...common, phase: 'idle', committed }
    : { ...common, phase: 'empty', committed, isAssigned: true };
}

export function bar(state: UpdateState, digest: string, attempt: number): UpdateState['failed'] {
  return [...state.failed.filter((one) => one.digest !== digest), { digest, attempt }].slice(-MAX_FAILED);
}

/** The part that every state has. */
export function rest(state: UpdateState): Pick<
  UpdateState,
  'v' | 'model' | 'sinceMs' | 'generation' | 'failed' | 'isUnexercised' | 'setback'
> & {
  readonly previous: Installed | null;
} {
  const { v, model, sinceMs, generation, failed, previous, isUnexercised, setback } = state;
  const common = { v, model, sinceMs, generation, failed, previous, isUnexercised };
  return setback ? { ...common, setback } : common;
}
