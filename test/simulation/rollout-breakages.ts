import type { RolloutRing } from '../../fleet-server/src/core/domain.ts';
import type { Snapshot, Step } from '../../fleet-server/src/core/rollout/snapshot.ts';
import type { Breakage } from './breakage.ts';
import type { Production } from './production.ts';

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

/** Mistakes in deciding what a rollout does next. */
export const ROLLOUT_BREAKAGES: readonly Breakage[] = [
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
