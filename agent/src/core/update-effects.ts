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
  readonly type: 'download' | 'verify' | 'awaitWindow';
  readonly job: Job;
  readonly candidate: Installed;
}

/** Work on a loaded candidate. */
export interface LoadedWork {
  readonly type: 'preflight' | 'activate';
  readonly job: Job;
  readonly candidate: Installed;
  /** The release that answers: the candidate must pass its samples too, and where neither starts, the machine is at fault. */
  readonly active: Installed | null;
}

/** The one piece of work that moves a state on. All are idempotent: the same holds when a state is entered and after a reboot. */
export type Work =
  | {
      readonly type: 'check';
      readonly job: Job;
      /** What is on this disk already: a version that is there must have the same digest. */
      readonly installed: readonly Installed[];
      /** The version that is proven here, for releases that ask for one to come from. */
      readonly committed: string | null;
    }
  | CandidateWork
  | LoadedWork
  | {
      readonly type: 'shadow';
      readonly job: Job;
      readonly candidate: Installed;
      readonly active: Installed | null;
      readonly sinceMs: number;
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
  /** What no release needs any more may go; nothing follows. */
  | { readonly type: 'tidy' };

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
      return { serve: { ...rest, isAssigned: state.isAssigned }, work: { type: 'tidy' } };
    case 'idle':
      return { serve: rest, work: { type: 'tidy' } };
    case 'offered':
      return {
        serve: rest,
        work: {
          type: 'check',
          job: state.job,
          installed: known(committed, state.previous),
          committed: committed?.version ?? null,
        },
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
      // Waiting may take days: a runner that nobody asks gives its memory back.
      const spare = state.waiting ? null : candidate;
      return { serve: { ...rest, spare }, work: { type: 'awaitWindow', job, candidate } };
    }
    case 'shadow': {
      const { job, candidate, sinceMs } = state;
      const spare = state.waiting ? null : candidate;
      return {
        serve: { ...rest, spare },
        work: { type: 'shadow', job, candidate, active: committed, sinceMs },
      };
    }
    case 'activating': {
      const { job, candidate } = state;
      return {
        serve: { ...rest, spare: candidate },
        work: { type: 'activate', job, candidate, active: committed },
      };
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

/** Who may answer after a start before anything could be saved: what is proven, and nothing that is on trial. */
export function provenOnly(state: UpdateState): Wanted {
  const { serve } = effectsOf(state);
  const active = serve.isTrial ? serve.fallback : serve.active;
  return { ...serve, active, fallback: null, spare: null, isTrial: false };
}

/**
 * With the release before the committed one loaded beside it, to answer while the committed one cannot. Not while a
 * candidate is loaded: a device is made for two.
 */
export function withStandby(wanted: Wanted, { committed, previous }: UpdateState): Wanted {
  const isAtRest = wanted.active !== null && wanted.active === committed && !wanted.fallback && !wanted.spare;
  return isAtRest ? { ...wanted, fallback: previous } : wanted;
}

const known = (...all: readonly (Installed | null)[]): Installed[] => all.filter((one) => one !== null);

/** Every release of a model that must stay on the disk: never less than the active one and the one to go back to. */
export function keptOf(state: UpdateState): readonly Installed[] {
  const candidate = 'candidate' in state ? state.candidate : null;
  return known(state.committed, state.previous, candidate);
}
