import type { Baseline, Installed, Job, UpdateState } from './update-state.ts';

/** Who is to be loaded and who answers. */
export interface Wanted {
  readonly active: Installed | null;
  /** Stays loaded and answers what the active one cannot. */
  readonly fallback: Installed | null;
  /** May stay loaded when it is, and answers nobody yet. */
  readonly spare: Installed | null;
  /** The active one is on trial: its first exit is evidence, not something to mend. */
  readonly isTrial: boolean;
  /** Without an active one: known but empty (503), else unknown (404). */
  readonly isAssigned: boolean;
}

/** Work on a chosen variant of a release. */
export interface CandidateWork {
  readonly type: 'download' | 'verify' | 'awaitWindow' | 'activate';
  readonly job: Job;
  readonly candidate: Installed;
}

/** The one piece of work that moves a state on. All are idempotent: the same holds when a state is entered and after a reboot. */
export type Work =
  | {
      readonly type: 'check';
      readonly job: Job;
      /** What is on this disk already: a version that is there must have the same digest. */
      readonly installed: readonly Installed[];
    }
  | CandidateWork
  | {
      readonly type: 'preflight';
      readonly job: Job;
      readonly candidate: Installed;
      /** The active release, whose acceptance samples the candidate must pass as well. */
      readonly active: Installed | null;
    }
  | {
      readonly type: 'soak';
      readonly job: Job;
      readonly candidate: Installed;
      readonly baseline: Baseline | null;
      readonly sinceMs: number;
    }
  | { readonly type: 'finishRollBack'; readonly active: Installed }
  | { readonly type: 'remove' }
  /** Slots of all other releases of this model may go; nothing follows. */
  | { readonly type: 'tidy'; readonly keep: readonly Installed[] };

export interface Effects {
  readonly serve: Wanted;
  readonly work: Work;
}

/** What a state asks of the world: who answers, and the work that leads to its next event. */
export function effectsOf(state: UpdateState): Effects {
  const { committed } = state;
  const rest: Wanted = { active: committed, fallback: null, spare: null, isTrial: false, isAssigned: true };
  switch (state.phase) {
    case 'empty':
      return { serve: { ...rest, isAssigned: state.isAssigned }, work: { type: 'tidy', keep: [] } };
    case 'idle':
      return { serve: rest, work: { type: 'tidy', keep: known(state.committed, state.previous) } };
    case 'offered':
      return {
        serve: rest,
        work: { type: 'check', job: state.job, installed: known(committed, state.previous) },
      };
    case 'downloading':
      return { serve: rest, work: { type: 'download', job: state.job, candidate: state.candidate } };
    case 'verifying':
      return { serve: rest, work: { type: 'verify', job: state.job, candidate: state.candidate } };
    case 'preflight': {
      const { job, candidate } = state;
      return {
        serve: { ...rest, spare: candidate },
        work: { type: 'preflight', job, candidate, active: committed },
      };
    }
    case 'ready': {
      const { job, candidate } = state;
      return { serve: { ...rest, spare: candidate }, work: { type: 'awaitWindow', job, candidate } };
    }
    case 'activating': {
      const { job, candidate } = state;
      return { serve: { ...rest, spare: candidate }, work: { type: 'activate', job, candidate } };
    }
    case 'soaking': {
      const { job, candidate, baseline, sinceMs } = state;
      return {
        serve: { ...rest, active: candidate, fallback: committed, isTrial: true },
        work: { type: 'soak', job, candidate, baseline, sinceMs },
      };
    }
    case 'rollingBack':
      return {
        serve: { ...rest, active: state.previous },
        work: { type: 'finishRollBack', active: state.previous },
      };
    case 'removing':
      return { serve: { ...rest, active: null, isAssigned: false }, work: { type: 'remove' } };
    default:
      return state satisfies never;
  }
}

const known = (...all: readonly (Installed | null)[]): Installed[] => all.filter((one) => one !== null);
