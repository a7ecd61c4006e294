import { isBusy, type UpdateState } from './update-state.ts';

/** One model for a person: what answers, since when, why it is that one, and what comes next. */
export interface ModelStory {
  readonly model: string;
  /** What answers now; null while nothing does. */
  readonly version: string | null;
  readonly variant: string | null;
  /** Epoch ms; null where it is not known, as after a journal was rebuilt. */
  readonly sinceMs: number | null;
  readonly why: string;
  /** What goes on or waits beside it; null when nothing does. */
  readonly next: string | null;
  /** The code of what waits or went wrong: its entry of the catalogue says what a person can do. */
  readonly code: string | null;
  /** What is next begins by itself later: after a hold, in a window. */
  readonly isWaiting: boolean;
  /** False when something wants a person's attention. */
  readonly isWell: boolean;
}

/** Total: every state has a story. */
export function storyOf(state: UpdateState): ModelStory {
  const live = liveOf(state);
  return {
    model: state.model,
    version: live?.version ?? null,
    variant: live?.variant ?? null,
    sinceMs: live ? (live.sinceMs ?? (state.phase === 'soaking' ? state.sinceMs : null)) : null,
    why: whyOf(state),
    next: nextOf(state),
    code: codeOf(state),
    isWaiting: isBusy(state) && state.waiting !== undefined,
    isWell: live !== null && !state.setback,
  };
}

function liveOf(state: UpdateState) {
  if (state.phase === 'soaking') return state.candidate;
  return state.phase === 'rollingBack' ? state.previous : state.committed;
}

function whyOf(state: UpdateState): string {
  const { setback, committed, previous } = state;
  if (state.phase === 'soaking') {
    const standby = committed ? `${committed.version} stands by` : 'nothing was here before';
    return `on trial, not committed yet; ${standby}`;
  }
  if (state.phase === 'rollingBack') {
    const { failure } = state;
    return `going back from ${state.committed.version}: ${failure.reason} (${failure.code})`;
  }
  if (setback) {
    const verb = WENT_LIVE.has(setback.phase) ? 'was rolled back' : 'was refused before it went live';
    return `${setback.version} ${verb} (${setback.phase}): ${setback.reason} (${setback.code})`;
  }
  if (!committed)
    return state.phase === 'empty' && !state.isAssigned ? 'not assigned' : 'nothing installed yet';
  if (committed.sinceMs === undefined) return 'committed by an earlier agent, or restored from what was kept';
  const how = state.isUnexercised ? 'committed without traffic, at its deadline' : 'committed on evidence';
  return previous ? `${how}, after ${previous.version}` : `${how}, the first release here`;
}

/** Phases in which a release answered requests. */
const WENT_LIVE: ReadonlySet<string> = new Set(['activating', 'soaking', 'idle', 'rollingBack']);

function nextOf(state: UpdateState): string | null {
  if (state.phase === 'removing') return 'it is being removed: no longer assigned';
  if (!isBusy(state)) return null;
  const { version } = state.job;
  // The reason names the release.
  if (state.waiting) return state.waiting.reason;
  return `${version} ${PROGRESS[state.phase]}`;
}

function codeOf(state: UpdateState): string | null {
  if (isBusy(state) && state.waiting) return state.waiting.code;
  if (state.phase === 'rollingBack') return state.failure.code;
  return state.setback?.code ?? null;
}

const PROGRESS = {
  offered: 'is offered',
  downloading: 'is being downloaded',
  verifying: 'is being verified',
  preflight: 'is being tried out',
  ready: 'is ready to go live',
  shadow: 'is compared on live requests',
  activating: 'is being activated',
  soaking: 'is committed when its trial has shown enough',
} as const;
