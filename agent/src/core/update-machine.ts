import type { StateReport } from '@ringfleet/shared/protocol';
import { eventOfRollback, type Report, type StateReportExtra, stateReport } from './update-reports.ts';
import {
  type Baseline,
  type BusyState,
  type Failure,
  type Installed,
  isBusy,
  type Job,
  keyOf,
  type TrialState,
  type UpdateState,
} from './update-state.ts';

/** How often the device may go down during one trial before the release is given up. */
export const BOOT_LIMIT = 3;
const MAX_FAILED = 32;

export type Evidence = NonNullable<StateReport['evidence']>;

/** Results carry the key of the try they belong to (`keyOf`). */
export type UpdateEvent = { readonly nowMs: number } & (
  | { readonly type: 'assigned'; readonly job: Job }
  | { readonly type: 'unassigned'; readonly generation: number }
  | { readonly type: 'accepted'; readonly key: string; readonly variant: string }
  | { readonly type: 'downloaded' | 'verified' | 'preflightPassed' | 'windowOpened'; readonly key: string }
  | { readonly type: 'activated'; readonly key: string; readonly baseline: Baseline | null }
  | {
      readonly type: 'soakPassed';
      readonly key: string;
      readonly isUnexercised: boolean;
      readonly evidence: Evidence;
    }
  | {
      readonly type: 'failed';
      readonly key: string;
      readonly code: string;
      readonly reason: string;
      readonly evidence?: Evidence;
    }
  | { readonly type: 'regressed'; readonly digest: string; readonly code: string; readonly reason: string }
  | { readonly type: 'rolledBack' | 'removed' }
  | { readonly type: 'booted'; readonly wasClean: boolean }
);

/** What one event did. Everything in it is saved in one durable transaction before anything else happens. */
export interface Step {
  readonly state: UpdateState;
  readonly reports: readonly Report[];
  /** Set at commit: the least release counter that this device installs from now on. */
  readonly floor?: number;
}

/** Total and pure. An event that does not apply returns the same state object and no reports. */
export function next(state: UpdateState, event: UpdateEvent): Step {
  switch (event.type) {
    case 'assigned':
      return onAssigned(state, event.job, event.nowMs);
    case 'unassigned':
      return onUnassigned(state, event.generation, event.nowMs);
    case 'booted':
      return onBooted(state, event.wasClean, event.nowMs);
    case 'failed':
      return isAbout(state, event.key) ? giveUp(state, event, event.nowMs, event.evidence) : same(state);
    case 'regressed':
      return onRegressed(state, event);
    case 'rolledBack':
      return state.phase === 'rollingBack' ? onRolledBack(state, event.nowMs) : same(state);
    case 'removed':
      return state.phase === 'removing' ? onRemoved(state, event.nowMs) : same(state);
    case 'accepted':
    case 'downloaded':
    case 'verified':
    case 'preflightPassed':
    case 'windowOpened':
    case 'activated':
    case 'soakPassed':
      return isAbout(state, event.key) ? onProgress(state, event) : same(state);
    default:
      return event satisfies never;
  }
}

const same = (state: UpdateState): Step => ({ state, reports: [] });
const isAbout = (state: UpdateState, key: string): state is BusyState =>
  isBusy(state) && keyOf(state.job) === key;
const isBarred = (state: UpdateState, job: Job): boolean =>
  state.failed.some((one) => one.digest === job.digest && one.attempt >= job.attempt);

function moved(from: UpdateState, state: UpdateState, extra: StateReportExtra = {}): Step {
  return { state, reports: [{ stream: 'state', body: stateReport(from, state, extra) }] };
}

function onAssigned(state: UpdateState, job: Job, nowMs: number): Step {
  const isCommitted = state.committed?.digest === job.digest;
  switch (state.phase) {
    case 'empty':
    case 'idle':
      if (isCommitted) return same(state);
      if (!isBarred(state, job)) return offer(state, job, nowMs);
      return state.phase === 'empty' && !state.isAssigned
        ? same({ ...state, isAssigned: true })
        : same(state);
    case 'offered':
    case 'downloading':
    case 'verifying':
    case 'preflight':
    case 'ready':
      if (keyOf(state.job) === keyOf(job))
        return isSameJob(state.job, job) ? same(state) : same({ ...state, job });
      return isCommitted || isBarred(state, job) ? withdraw(state, job, nowMs) : offer(state, job, nowMs);
    case 'activating':
    case 'soaking':
      // Only going back to what is committed ends a trial; anything newer waits for its end (DESIGN §4).
      return isCommitted ? withdraw(state, job, nowMs) : same(state);
    case 'rollingBack':
    case 'removing':
      return same(state);
    default:
      return state satisfies never;
  }
}

function offer(state: UpdateState, job: Job, nowMs: number): Step {
  const { committed } = state;
  return moved(state, {
    ...rest(state),
    phase: 'offered',
    sinceMs: nowMs,
    generation: job.generation,
    committed,
    job,
  });
}

/** The candidate is dropped without blame. */
function withdraw(state: BusyState, job: Job, nowMs: number): Step {
  return moved(state, settled({ ...state, generation: job.generation }, nowMs));
}

function onUnassigned(state: UpdateState, generation: number, nowMs: number): Step {
  if (state.phase === 'removing') return same(state);
  if (state.phase === 'empty') return state.isAssigned ? same({ ...state, isAssigned: false }) : same(state);
  const { committed } = state;
  return moved(state, { ...rest(state), phase: 'removing', sinceMs: nowMs, generation, committed });
}

function onBooted(state: UpdateState, wasClean: boolean, nowMs: number): Step {
  if (wasClean || !('boots' in state)) return same(state);
  if (state.phase === 'downloading' || state.phase === 'verifying') return same(state);
  if (state.boots < BOOT_LIMIT) return same({ ...state, boots: state.boots + 1 });
  const reason = `the device went down ${state.boots + 1} times while it tried ${state.candidate.version}`;
  return giveUp(state, { code: 'BOOT_LIMIT_EXCEEDED', reason }, nowMs);
}

type ProgressEvent = Extract<UpdateEvent, { key: string }>;

function onProgress(state: BusyState, event: ProgressEvent): Step {
  const { nowMs } = event;
  switch (state.phase) {
    case 'offered': {
      if (event.type !== 'accepted') return same(state);
      const { version, digest, attempt } = state.job;
      const candidate = { version, digest, variant: event.variant, attempt };
      return moved(state, { ...state, phase: 'downloading', sinceMs: nowMs, candidate, boots: 0 });
    }
    case 'downloading':
      return event.type === 'downloaded'
        ? moved(state, { ...state, phase: 'verifying', sinceMs: nowMs })
        : same(state);
    case 'verifying':
      return event.type === 'verified'
        ? moved(state, { ...state, phase: 'preflight', sinceMs: nowMs })
        : same(state);
    case 'preflight':
      return event.type === 'preflightPassed'
        ? moved(state, { ...state, phase: 'ready', sinceMs: nowMs })
        : same(state);
    case 'ready':
      if (event.type !== 'windowOpened') return same(state);
      if (nowMs >= state.job.installBefore) {
        return giveUp(
          state,
          { code: 'INSTALL_EXPIRED', reason: 'its assignment ran out before it went live' },
          nowMs,
        );
      }
      return moved(state, { ...state, phase: 'activating', sinceMs: nowMs, baseline: null });
    case 'activating':
      if (event.type !== 'activated') return same(state);
      return moved(state, { ...state, phase: 'soaking', sinceMs: nowMs, baseline: event.baseline });
    case 'soaking':
      return event.type === 'soakPassed' ? commit(state, event) : same(state);
    default:
      return state satisfies never;
  }
}

function commit(state: TrialState, event: Extract<UpdateEvent, { type: 'soakPassed' }>): Step {
  const idle: UpdateState = {
    ...rest(state),
    phase: 'idle',
    sinceMs: event.nowMs,
    committed: state.candidate,
    previous: state.committed ?? state.previous,
    isUnexercised: event.isUnexercised,
  };
  return { ...moved(state, idle, { evidence: event.evidence }), floor: state.job.minReleaseCounter };
}

/** Back to what is committed, with a typed reason; the same try never starts again. */
function giveUp(
  state: BusyState,
  why: { readonly code: string; readonly reason: string },
  nowMs: number,
  evidence?: Evidence,
): Step {
  const failure: Failure = { code: why.code, reason: why.reason.slice(0, 1000), phase: state.phase };
  const after = settled({ ...state, failed: bar(state, state.job.digest, state.job.attempt) }, nowMs);
  const step = moved(state, after, { failure, release: state.job, ...(evidence ? { evidence } : {}) });
  const wasLive = state.phase === 'activating' || state.phase === 'soaking';
  return wasLive
    ? { ...step, reports: [...step.reports, eventOfRollback(state, state.job.version, failure)] }
    : step;
}

function onRegressed(state: UpdateState, event: Extract<UpdateEvent, { type: 'regressed' }>): Step {
  // Without a predecessor the committed release goes on: serving badly is better than serving nothing.
  if (state.phase !== 'idle' || state.committed.digest !== event.digest || !state.previous)
    return same(state);
  const { committed, previous } = state;
  const failure: Failure = { code: event.code, reason: event.reason.slice(0, 1000), phase: 'idle' };
  const failed = bar(state, committed.digest, committed.attempt);
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

function onRolledBack(state: Extract<UpdateState, { phase: 'rollingBack' }>, nowMs: number): Step {
  const { committed: bad, previous: committed, failure } = state;
  const common = { ...rest(state), previous: null, isUnexercised: false };
  const after: UpdateState = { ...common, phase: 'idle', sinceMs: nowMs, committed };
  return moved(state, after, { failure, release: bad });
}

function onRemoved(state: UpdateState, nowMs: number): Step {
  const common = { ...rest(state), previous: null, isUnexercised: false };
  return moved(state, { ...common, phase: 'empty', sinceMs: nowMs, committed: null, isAssigned: false });
}

function settled(state: BusyState, nowMs: number): UpdateState {
  const { committed } = state;
  const common = { ...rest(state), sinceMs: nowMs };
  return committed
    ? { ...common, phase: 'idle', committed }
    : { ...common, phase: 'empty', committed, isAssigned: true };
}

function bar(state: UpdateState, digest: string, attempt: number): UpdateState['failed'] {
  return [...state.failed.filter((one) => one.digest !== digest), { digest, attempt }].slice(-MAX_FAILED);
}

/** The part that every state has. */
function rest(state: UpdateState): Pick<
  UpdateState,
  'v' | 'model' | 'sinceMs' | 'generation' | 'failed' | 'isUnexercised'
> & {
  readonly previous: Installed | null;
} {
  const { v, model, sinceMs, generation, failed, previous, isUnexercised } = state;
  return { v, model, sinceMs, generation, failed, previous, isUnexercised };
}

function isSameJob(a: Job, b: Job): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
