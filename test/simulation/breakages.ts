import type { RolloutRing } from '../../fleet-server/src/core/domain.ts';
import type { Snapshot, Step } from '../../fleet-server/src/core/rollout/snapshot.ts';
import type { Stores } from '../../fleet-server/src/ports/stores.ts';
import { PRODUCTION, type Production } from './production.ts';

/** One deliberate mistake, as a wrapper around what ships. */
export interface Breakage {
  readonly name: string;
  /** What somebody may get wrong. */
  readonly mistake: string;
  /** One of these invariants notices it. */
  readonly noticedBy: readonly string[];
  /** Seeds 1 to this, at `updates` device updates each, within which it is found. */
  readonly withinSeeds: number;
  readonly wrap: (production: Production) => Partial<Production>;
}

type Tick = Production['tick'];

const withRings =
  (tick: Tick, change: (ring: RolloutRing) => RolloutRing): Tick =>
  (snapshot, nowMs) => {
    const { rollout } = snapshot;
    const step = tick({ ...snapshot, rollout: { ...rollout, rings: rollout.rings.map(change) } }, nowMs);
    return restored(snapshot, step);
  };

/** The plan stays as it was written, whatever the broken tick believed; a step that did nothing does nothing. */
function restored({ rollout }: Snapshot, step: Step): Step {
  const rings = step.rollout.rings.map((ring, i) => ({ ...ring, plan: rollout.rings[i]?.plan ?? ring.plan }));
  const next = { ...step.rollout, rings };
  return { ...step, rollout: JSON.stringify(next) === JSON.stringify(rollout) ? rollout : next };
}

const storesWith =
  (change: (stores: Stores) => Partial<Stores>): Production['stores'] =>
  (stores) => ({ ...stores, ...change(stores) });

/** The same store with some methods replaced; methods use no `this`. */
const but = <T extends object>(store: T, change: Partial<T>): T => ({ ...store, ...change });

const RELEASE_BREAKAGES: readonly Breakage[] = [
  {
    name: 'forget-failures-on-resume',
    mistake: 'a device whose failure a person has seen counts as if it had never tried',
    noticedBy: ['noFailureIsForgotten'],
    withinSeeds: 3,
    wrap: ({ tick }) => ({
      tick: (snapshot, nowMs) => {
        const seen = new Set(
          snapshot.rollout.rings.flatMap(({ acknowledged }) =>
            (acknowledged ?? []).map(({ device }) => device),
          ),
        );
        const models = new Map([...snapshot.models].filter(([device]) => !seen.has(device)));
        const forgetful = withRings(tick, (ring) => ({ ...ring, acknowledged: [] }));
        return seen.size === 0 ? tick(snapshot, nowMs) : forgetful({ ...snapshot, models }, nowMs);
      },
    }),
  },
  {
    name: 'round-up-the-share',
    mistake: 'a share is rounded up once too often',
    noticedBy: ['exposesOnlyOpenedRings'],
    withinSeeds: 3,
    wrap: () => ({
      stores: storesWith(({ rings }) => ({
        rings: but(rings, {
          list: async () =>
            (await rings.list()).map((ring) => ({
              ...ring,
              shareBasisPoints: ring.shareBasisPoints && Math.min(10_000, ring.shareBasisPoints + 1_500),
            })),
        }),
      })),
    }),
  },
  {
    name: 'ignore-the-minimum-sample',
    mistake: 'a gate passes whatever minimum its plan asks for',
    noticedBy: ['gatesPassOnTheirSample'],
    withinSeeds: 3,
    wrap: ({ tick }) => ({
      tick: withRings(tick, (ring) => ({
        ...ring,
        plan: { ...ring.plan, minProven: 0, minExecuted: 0, minExercised: 0 },
      })),
    }),
  },
  {
    name: 'pass-without-baking',
    mistake: 'a gate does not wait for the bake',
    noticedBy: ['gatesPassOnTheirSample'],
    withinSeeds: 10,
    wrap: ({ tick }) => ({
      tick: withRings(tick, (ring) => ({ ...ring, plan: { ...ring.plan, bakeMs: 0 } })),
    }),
  },
  {
    name: 'open-all-rings',
    mistake: 'the second ring opens with the first one',
    noticedBy: ['ringsOpenInOrder'],
    withinSeeds: 3,
    wrap: ({ tick }) => ({
      tick: (snapshot, nowMs) => {
        const step = tick(snapshot, nowMs);
        const [first, second] = step.rollout.rings;
        if (first?.state !== 'open' || second?.state !== 'waiting') return step;
        const rings = step.rollout.rings.map((ring, i) =>
          i === 1 ? { ...ring, state: 'open' as const, openedAtMs: nowMs } : ring,
        );
        return { ...step, rollout: { ...step.rollout, rings } };
      },
    }),
  },
  {
    name: 'tick-is-not-idempotent',
    mistake: 'every tick offers the release anew',
    noticedBy: ['tickComesToRest'],
    withinSeeds: 3,
    wrap: ({ tick }) => ({
      tick: (snapshot, nowMs) => {
        const step = tick(snapshot, nowMs);
        const open = snapshot.rollout.rings.find(({ state }) => state === 'open')?.plan.ring ?? '';
        const current = snapshot.assignments.get(open);
        if (!current || step.rollout !== snapshot.rollout) return step;
        const assignments = [{ ...current, attempt: current.attempt + 1 }];
        return { ...step, rollout: { ...step.rollout }, assignments };
      },
    }),
  },
  {
    name: 'installed-is-proven',
    mistake: 'a device that soaks counts as proven',
    noticedBy: ['provenMeansCommitted', 'gatesPassOnTheirSample'],
    withinSeeds: 3,
    wrap: ({ tick }) => ({
      tick: (snapshot, nowMs) => {
        const models = new Map(
          [...snapshot.models].map(([device, state]) => [
            device,
            state.running === null ? state : { ...state, isCommitted: true, isProven: true },
          ]),
        );
        return tick({ ...snapshot, models }, nowMs);
      },
    }),
  },
  {
    name: 'pause-without-a-reason',
    mistake: 'a stopped rollout does not say why',
    noticedBy: ['endsWithReasons'],
    withinSeeds: 3,
    wrap: ({ tick }) => ({
      tick: (snapshot, nowMs) => {
        const step = tick(snapshot, nowMs);
        return step.rollout.state === 'paused'
          ? { ...step, rollout: { ...step.rollout, reason: null } }
          : step;
      },
    }),
  },
];

const SERVER_BREAKAGES: readonly Breakage[] = [
  {
    name: 'count-a-duplicate',
    mistake: 'a report that comes twice is stored under a second key and counted twice',
    noticedBy: ['noReportCountsTwice'],
    withinSeeds: 3,
    wrap: () => ({
      stores: storesWith(({ reports }) => {
        const seen = new Set<string>();
        const ingest: typeof reports.ingest = async (device, envelopes, atMs) => {
          const again = envelopes.filter(({ id }) => {
            const key = `${device} ${id.start} ${id.stream} ${id.seq}`;
            return seen.has(key) || !seen.add(key);
          });
          const acks = await reports.ingest(device, envelopes, atMs);
          const journal = '00000000-0000-7000-8000-000000000000';
          const tele = again.filter(({ id }) => id.stream === 'tele');
          for (const { id, ...rest } of tele) {
            await reports.ingest(
              device,
              [{ ...rest, id: { ...id, journal, seq: seen.size * 64 + id.seq } }],
              atMs,
            );
          }
          return acks;
        };
        return { reports: but(reports, { ingest }) };
      }),
    }),
  },
  {
    name: 'acknowledge-before-storing',
    mistake: 'a report is acknowledged, and lost when the server dies before it is stored',
    noticedBy: ['noAcknowledgedReportIsLost', 'nothingIsOfferedForEver', 'reportedIsTrue', 'comesToRest'],
    withinSeeds: 10,
    wrap: () => ({
      stores: storesWith(({ reports }) => {
        let calls = 0;
        const ingest: typeof reports.ingest = async (device, envelopes, atMs) => {
          calls += 1;
          if (calls % 50 !== 0) return reports.ingest(device, envelopes, atMs);
          return envelopes.map(({ id: { seq, ...sequence } }) => ({
            v: 1 as const,
            ...sequence,
            storedUpTo: seq,
            quarantined: [],
          }));
        };
        return { reports: but(reports, { ingest }) };
      }),
    }),
  },
  {
    name: 'restore-counts-on-from-the-backup',
    mistake: 'after a restore generations go on from the backup, below what devices have accepted',
    noticedBy: ['comesToRest', 'nothingIsOfferedForEver', 'desiredIsRunOrBarred'],
    withinSeeds: 12,
    wrap: () => ({
      stores: storesWith(({ devices }) => ({
        devices: but(devices, {
          get: async (id) => {
            const device = await devices.get(id);
            return device && { ...device, acceptedGeneration: 0 };
          },
        }),
      })),
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

const DEVICE_BREAKAGES: readonly Breakage[] = [
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
    withinSeeds: 12,
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
    withinSeeds: 12,
    wrap: ({ effectsOf }) => ({
      effectsOf: (state) => {
        const effects = effectsOf(state);
        const isPreflight = state.phase === 'preflight' || state.phase === 'ready';
        return isPreflight ? { ...effects, serve: { ...effects.serve, active: null } } : effects;
      },
    }),
  },
];

/** Deliberate mistakes that the simulation should notice; docs/simulation.md says which it does not yet. */
export const BREAKAGES: readonly Breakage[] = [
  ...RELEASE_BREAKAGES,
  ...SERVER_BREAKAGES,
  ...DEVICE_BREAKAGES,
];

export const broken = (breakage: Breakage): Production => ({ ...PRODUCTION, ...breakage.wrap(PRODUCTION) });
