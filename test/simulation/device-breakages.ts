import type { Breakage } from './breakage.ts';

/** Mistakes on a device: in its update machine, its disk, and what it accepts. */
export const DEVICE_BREAKAGES: readonly Breakage[] = [
  {
    name: 'apply-without-saving',
    mistake: 'one state in ten is acted upon before it is on the disk',
    noticedBy: [
      'noTryTwice',
      'holdsActiveAndPrevious',
      'alwaysServes',
      'reportedIsTrue',
      'commitsOnlyWhatSoaked',
      'neverBelowTheFloor',
      'nothingIsOfferedForEver',
      'servesAWholeRelease',
      'endsBootLoops',
      'provenMeansCommitted',
      'comesToRest',
    ],
    withinSeeds: 12,
    wrap: ({ save }) => {
      let saves = 0;
      return {
        save: (journal, change) => {
          saves += 1;
          const { state: _, ...rest } = change;
          save(journal, saves % 10 === 0 ? rest : change);
        },
      };
    },
  },
  {
    name: 'no-loop-breaker',
    mistake: 'deaths of the agent during a trial are not counted',
    noticedBy: ['endsBootLoops'],
    withinSeeds: 3,
    wrap: ({ next }) => ({
      next: (state, event) => {
        if (event.type !== 'booted') return next(state, event);
        return next(state, { ...event, lastEnd: 'clean' });
      },
    }),
  },
  {
    name: 'previous-collected-early',
    mistake: 'the release before the active one is thrown away',
    noticedBy: ['holdsActiveAndPrevious'],
    withinSeeds: 3,
    wrap: ({ keptOf }) => ({ keptOf: (state) => keptOf({ ...state, previous: null } as typeof state) }),
  },
  {
    name: 'try-what-failed-again',
    mistake: 'a device forgets what failed on it',
    noticedBy: ['noTryTwice'],
    withinSeeds: 3,
    wrap: ({ next }) => ({
      next: (state, event) => {
        const isForgotten = event.type === 'assigned' && state.phase === 'idle' && state.failed.length > 0;
        return next(isForgotten ? { ...state, failed: [] } : state, event);
      },
    }),
  },
  {
    name: 'forget-the-floor',
    mistake: 'an assigned release is not compared with the floor',
    noticedBy: ['neverBelowTheFloor'],
    withinSeeds: 20,
    wrap: ({ crossCheck }) => ({
      crossCheck: (assignment, roles) => {
        const noFloors = new Map(
          [...roles].map(([model, role]) => [model, { ...role, minReleaseCounter: 0 }]),
        );
        return crossCheck(assignment, noFloors, new Map()).map((one) => ({
          ...one,
          minReleaseCounter: roles.get(one.model)?.minReleaseCounter ?? 0,
        }));
      },
    }),
  },
  {
    name: 'accept-a-replay',
    mistake: 'an assignment is not compared with the last one',
    noticedBy: ['acceptsOnlyNewer'],
    withinSeeds: 3,
    wrap: ({ verifyAssignment }) => ({
      verifyAssignment: (root, text, check) => verifyAssignment(root, text, { ...check, last: null }),
    }),
  },
  {
    name: 'commit-without-soaking',
    mistake: 'what passed its preflight is committed at once',
    noticedBy: ['commitsOnlyWhatSoaked'],
    withinSeeds: 3,
    wrap: ({ next }) => ({
      next: (state, event) => {
        const step = next(state, event);
        if (step.state.phase !== 'activating') return step;
        const {
          candidate,
          job: _,
          baseline: __,
          boots: ___,
          cuts: ____,
          waiting: _____,
          committed,
          ...rest
        } = step.state;
        return {
          ...step,
          state: { ...rest, phase: 'idle', committed: candidate, previous: committed ?? rest.previous },
        };
      },
    }),
  },
  {
    name: 'stop-the-old-one-first',
    mistake: 'the old release stops answering while the new one is proven and waits',
    noticedBy: ['alwaysServes'],
    withinSeeds: 20,
    wrap: ({ effectsOf }) => ({
      effectsOf: (state) => {
        const effects = effectsOf(state);
        const isPreflight = state.phase === 'preflight' || state.phase === 'ready';
        return isPreflight ? { ...effects, serve: { ...effects.serve, active: null } } : effects;
      },
    }),
  },
  {
    name: 'offer-what-was-denied',
    mistake: 'a release that failed is assigned again under the attempt that failed',
    noticedBy: ['nothingIsOfferedForEver', 'ticksTheSame', 'comesToRest', 'noFailureIsForgotten'],
    withinSeeds: 12,
    wrap: ({ next }) => ({
      next: (state, event) => {
        const step = next(state, event);
        const isAnswer = event.type === 'assigned' && step.state.phase === state.phase;
        return isAnswer ? { ...step, reports: [] } : step;
      },
    }),
  },
];
