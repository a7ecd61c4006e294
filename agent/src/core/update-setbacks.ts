import type { LastEnd, Step, UpdateEvent } from './update-events.ts';
import { eventOfRollback } from './update-reports.ts';
import { type BusyState, type Failure, isBusy, type UpdateState } from './update-state.ts';
import { bar, giveUp, moved, rest, same } from './update-step.ts';

/** How often the agent may die during one trial, or before it, until the release is given up. */
export const BOOT_LIMIT = 3;
/** How often the machine may go down during one trial. More, because most of these are power cuts. */
export const CUT_LIMIT = 5;

/**
 * A release that kills the agent or the machine never reports a failure: it shows up as one more boot. Deaths of the agent
 * count from the offer on, and anew from the preflight on, when the release itself begins to run. The machine going down
 * counts during the trial only, and ends it without blaming the release: most of it is somebody pulling the plug.
 */
export function onBooted(before: UpdateState, lastEnd: LastEnd, nowMs: number): Step {
  const state = awake(before);
  if (lastEnd === 'clean' || !isBusy(state)) return same(state);
  const { version } = state.job;
  const isTrial = hasRun(state);
  if (lastEnd === 'crash') {
    if (state.boots < BOOT_LIMIT) return same({ ...state, boots: state.boots + 1 });
    const reason = `the agent died ${state.boots + 1} times while it tried ${version} (${state.phase})`;
    return giveUp(state, { code: isTrial ? 'BOOT_LIMIT_EXCEEDED' : 'STEP_LIMIT_EXCEEDED', reason }, nowMs);
  }
  if (!isTrial) return same(state);
  if (state.cuts < CUT_LIMIT) return same({ ...state, cuts: state.cuts + 1 });
  const reason = `the machine went down ${state.cuts + 1} times while it tried ${version}`;
  return giveUp(state, { code: 'TRIAL_INTERRUPTED', reason }, nowMs);
}

/** What it waited for is looked at anew. */
function awake(state: UpdateState): UpdateState {
  if (!isBusy(state) || !state.waiting) return state;
  const { waiting: _, ...rest } = state;
  return rest;
}

/** Whether the candidate may have been running by now. */
function hasRun(state: BusyState): state is Exclude<BusyState, { phase: 'offered' }> {
  return state.phase !== 'offered' && state.phase !== 'downloading' && state.phase !== 'verifying';
}

export function onRegressed(state: UpdateState, event: Extract<UpdateEvent, { type: 'regressed' }>): Step {
  if (state.phase !== 'idle' || state.committed.digest !== event.digest) return same(state);
  const { committed, previous } = state;
  const failure: Failure = { code: event.code, reason: event.reason.slice(0, 1000), phase: 'idle' };
  // Rotten files say nothing against the release: it is fetched again.
  const isRotten = event.code === 'SLOT_CORRUPT';
  if (!previous) {
    // Without a predecessor the committed release goes on: serving badly is better than serving nothing.
    return isRotten ? onLost(state, failure, event.nowMs) : same(state);
  }
  const failed = isRotten ? state.failed : bar(state, committed.digest, committed.attempt);
  const after: UpdateState = {
    ...rest(state),
    phase: 'rollingBack',
    sinceMs: event.nowMs,
    committed,
    previous,
    failure,
    failed,
  };
  const step = moved(state, after, { failure, release: committed });
  return { ...step, reports: [...step.reports, eventOfRollback(state, committed.version, failure)] };
}

/** The only release here cannot be loaded any more: the model is empty until it has been fetched again. */
function onLost(state: UpdateState, failure: Failure, nowMs: number): Step {
  const { committed } = state;
  const after: UpdateState = {
    ...rest(state),
    previous: null,
    phase: 'empty',
    sinceMs: nowMs,
    committed: null,
    isAssigned: true,
    ...(committed ? { setback: { ...failure, version: committed.version, atMs: nowMs } } : {}),
  };
  const step = moved(state, after, committed ? { failure, release: committed } : { failure });
  return { ...step, reports: [...step.reports, eventOfRollback(state, committed?.version ?? '', failure)] };
}

/** There is nothing to go back to any more: the committed one goes on, however badly, and this is not tried again. */
export function onRollBackFailed(
  state: Extract<UpdateState, { phase: 'rollingBack' }>,
  event: Extract<UpdateEvent, { type: 'rollBackFailed' }>,
): Step {
  const { committed, previous } = state;
  const failure: Failure = { code: event.code, reason: event.reason.slice(0, 1000), phase: 'rollingBack' };
  const after: UpdateState = {
    ...rest(state),
    previous: null,
    phase: 'idle',
    sinceMs: event.nowMs,
    committed,
    setback: { ...failure, version: previous.version, atMs: event.nowMs },
  };
  const step = moved(state, after, { failure, release: previous });
  return { ...step, reports: [...step.reports, eventOfRollback(state, previous.version, failure)] };
}

export function onRolledBack(state: Extract<UpdateState, { phase: 'rollingBack' }>, nowMs: number): Step {
  const { committed: bad, failure } = state;
  const committed = { ...state.previous, sinceMs: nowMs };
  const setback = { ...failure, version: bad.version, atMs: nowMs };
  const common = { ...rest(state), previous: null, isUnexercised: false, setback };
  const after: UpdateState = { ...common, phase: 'idle', sinceMs: nowMs, committed };
  return moved(state, after, { failure, release: bad });
}
