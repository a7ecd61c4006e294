import type { Step, UpdateEvent } from './update-events.ts';
import type { StateReportExtra } from './update-reports.ts';
import { onBooted, onRegressed, onRollBackFailed, onRolledBack } from './update-setbacks.ts';
import {
  answerOf,
  type BusyState,
  type EmptyState,
  type Failure,
  type IdleState,
  isBusy,
  type Job,
  keyOf,
  type TrialState,
  type UpdateState,
  type Waiting,
} from './update-state.ts';
import { giveUp, moved, rest, same, settled } from './update-step.ts';

export type { Evidence, LastEnd, Step, UpdateEvent } from './update-events.ts';
export { BOOT_LIMIT, CUT_LIMIT } from './update-setbacks.ts';

/** Total and pure. An event that does not apply returns the same state object and no reports. */
export function next(state: UpdateState, event: UpdateEvent): Step {
  switch (event.type) {
    case 'assigned':
      return onAssigned(state, event.job, event.nowMs);
    case 'unassigned':
      return onUnassigned(state, event.generation, event.nowMs);
    case 'booted':
      return onBooted(state, event.lastEnd, event.nowMs);
    case 'failed':
      return isAbout(state, event.key) ? giveUp(state, event, event.nowMs, event.evidence) : same(state);
    case 'regressed':
      return onRegressed(state, event);
    case 'rolledBack':
      return state.phase === 'rollingBack' ? onRolledBack(state, event.nowMs) : same(state);
    case 'rollBackFailed':
      return state.phase === 'rollingBack' ? onRollBackFailed(state, event) : same(state);
    case 'waits':
      return isAbout(state, event.key) ? onWaits(state, event.waiting) : same(state);
    case 'removed':
      return state.phase === 'removing' ? onRemoved(state, event.nowMs) : same(state);
    case 'accepted':
    case 'downloaded':
    case 'verified':
    case 'preflightPassed':
    case 'shadowStarted':
    case 'windowOpened':
    case 'activated':
    case 'soakPassed':
      return isAbout(state, event.key) ? onProgress(state, event) : same(state);
    default:
      return event satisfies never;
  }
}

const isAbout = (state: UpdateState, key: string): state is BusyState =>
  isBusy(state) && keyOf(state.job) === key;
const isBarred = (state: UpdateState, job: Job): boolean =>
  state.failed.some((one) => one.digest === job.digest && one.attempt >= job.attempt);

function onAssigned(state: UpdateState, job: Job, nowMs: number): Step {
  const isCommitted = state.committed?.digest === job.digest;
  switch (state.phase) {
    case 'empty':
    case 'idle':
      return isCommitted || isBarred(state, job) ? answer(state, job) : offer(state, job, nowMs);
    case 'offered':
    case 'downloading':
    case 'verifying':
    case 'preflight':
    case 'ready':
    case 'shadow':
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
    boots: 0,
  });
}

/**
 * Nothing to do, which is said once for every assignment, and again after anything else was said: a server that was told
 * something newer, or was restored from a backup, would offer refused work for ever.
 */
function answer(state: EmptyState | IdleState, job: Job): Step {
  const known = state.phase === 'empty' && !state.isAssigned ? { ...state, isAssigned: true } : state;
  const barred = state.failed.find((one) => one.digest === job.digest);
  const isRefused = state.committed?.digest !== job.digest && barred !== undefined;
  const isSaid = isRefused ? state.answered === answerOf(job) : state.generation === job.generation;
  if (isSaid) return same(known);
  const after = { ...known, generation: job.generation };
  if (!isRefused) return moved(state, after);
  const { version, digest } = job;
  const release = { version, digest, attempt: barred.attempt };
  return moved(state, { ...after, answered: answerOf(job) }, { failure: whyBarred(state, job), release });
}

function whyBarred({ setback }: UpdateState, { version }: Job): Failure {
  if (setback?.version === version) {
    const { code, reason, phase } = setback;
    return { code, reason, phase };
  }
  const reason = `${version} was given up here before, and its attempt was not raised since`;
  return { code: 'ATTEMPT_NOT_RAISED', reason, phase: 'offered' };
}

/** The candidate is dropped without blame. */
function withdraw(state: BusyState, job: Job, nowMs: number): Step {
  return moved(state, settled({ ...state, generation: job.generation }, nowMs));
}

function onUnassigned(state: UpdateState, generation: number, nowMs: number): Step {
  if (state.phase === 'removing') return same(state);
  if (state.phase === 'empty') return stayAway(state, generation);
  const { committed } = state;
  return moved(state, { ...rest(state), phase: 'removing', sinceMs: nowMs, generation, committed });
}

/** Said once for every assignment, as `answer` does: a server restored from a backup would show what was removed since for ever. */
function stayAway(state: EmptyState, generation: number): Step {
  const gone = state.isAssigned ? { ...state, isAssigned: false } : state;
  return state.generation === generation ? same(gone) : moved(state, { ...gone, generation });
}

/** Only states that have nothing else to do wait, and a preflight that would interrupt service. Said once per reason; times move on without a word. */
function onWaits(state: BusyState, waiting: Waiting): Step {
  if (!WAITING_PHASES.has(state.phase)) return same(state);
  const { waiting: before } = state;
  if (before?.code === waiting.code && before.untilMs === waiting.untilMs) return same(state);
  const after = { ...state, waiting };
  return before?.code === waiting.code ? same(after) : moved(state, after);
}

const WAITING_PHASES: ReadonlySet<string> = new Set(['offered', 'preflight', 'ready', 'shadow']);

type ProgressEvent = Extract<UpdateEvent, { key: string }>;

function onProgress(before: BusyState, event: ProgressEvent): Step {
  const { nowMs } = event;
  const { waiting: _, ...state } = before;
  const unchanged = same(before);
  const enter = (after: UpdateState, extra?: StateReportExtra): Step => moved(before, after, extra);
  switch (state.phase) {
    case 'offered': {
      if (event.type !== 'accepted') return unchanged;
      const { version, digest, attempt, limits } = state.job;
      const candidate = { version, digest, variant: event.variant, attempt, ...(limits ? { limits } : {}) };
      return enter({ ...state, phase: 'downloading', sinceMs: nowMs, candidate, cuts: 0 });
    }
    case 'downloading':
      return event.type === 'downloaded'
        ? enter({ ...state, phase: 'verifying', sinceMs: nowMs })
        : unchanged;
    case 'verifying':
      return event.type === 'verified'
        ? enter({ ...state, phase: 'preflight', sinceMs: nowMs, boots: 0, cuts: 0 })
        : unchanged;
    case 'preflight':
      return event.type === 'preflightPassed'
        ? enter({ ...state, phase: 'ready', sinceMs: nowMs })
        : unchanged;
    case 'ready':
    case 'shadow': {
      if (event.type === 'shadowStarted' && state.phase === 'ready')
        return enter({ ...state, phase: 'shadow', sinceMs: nowMs });
      if (event.type !== 'windowOpened') return unchanged;
      const extra = event.evidence ? { evidence: event.evidence } : {};
      if (nowMs >= state.job.installBefore) {
        const reason = 'its assignment ran out before it went live';
        return giveUp(before, { code: 'INSTALL_EXPIRED', reason }, nowMs, event.evidence);
      }
      return enter({ ...state, phase: 'activating', sinceMs: nowMs, baseline: null }, extra);
    }
    case 'activating':
      if (event.type !== 'activated') return unchanged;
      return enter({ ...state, phase: 'soaking', sinceMs: nowMs, baseline: event.baseline });
    case 'soaking':
      return event.type === 'soakPassed' ? commit(state, event) : unchanged;
    default:
      return state satisfies never;
  }
}

function commit(state: TrialState, event: Extract<UpdateEvent, { type: 'soakPassed' }>): Step {
  const { setback: _, ...common } = rest(state);
  const idle: UpdateState = {
    ...common,
    phase: 'idle',
    sinceMs: event.nowMs,
    committed: { ...state.candidate, sinceMs: event.nowMs },
    previous: state.committed ?? state.previous,
    isUnexercised: event.isUnexercised,
  };
  return { ...moved(state, idle, { evidence: event.evidence }), floor: state.job.minReleaseCounter };
}

function onRemoved(state: UpdateState, nowMs: number): Step {
  const { setback: _, ...kept } = rest(state);
  const common = { ...kept, previous: null, isUnexercised: false };
  return moved(state, { ...common, phase: 'empty', sinceMs: nowMs, committed: null, isAssigned: false });
}

function isSameJob(a: Job, b: Job): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
