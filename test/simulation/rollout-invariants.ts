import type { DeviceModel, RingPlan, Rollout, RolloutRing } from '../../fleet-server/src/core/domain.ts';
import type { FleetState, Step } from '../../fleet-server/src/core/rollout/snapshot.ts';
import { isExecuted, standingOf } from '../../fleet-server/src/core/rollout/standing.ts';
import type { DeviceLedger } from './device-ledger.ts';
import type { Members } from './fleet-ledger.ts';
import { require } from './violation.ts';

export interface StepView {
  readonly before: Rollout;
  readonly step: Step;
  /** As it really stands in the store, not as the server was shown it. */
  readonly fleet: FleetState;
  /** Who is in which ring, computed the slow way. */
  readonly members: Members;
  /** The plan as its author wrote it. */
  readonly plans: readonly RingPlan[];
  readonly ledgers: ReadonlyMap<string, DeviceLedger>;
  readonly nowMs: number;
}

/** What the gate of a ring should have counted, flatly: one loop over its devices. */
interface Recount {
  proven: number;
  exercised: number;
  executed: number;
  compatible: number;
  failed: readonly string[];
  unknownFailures: number;
}

function recount({ before, fleet, members }: StepView, ring: RolloutRing): Recount {
  const { digest, model } = before;
  const attempt =
    fleet.assignments.find((one) => one.ring === ring.plan.ring && one.model === model)?.attempt ?? 1;
  const states = (members.get(ring.plan.ring) ?? []).map((id) =>
    fleet.models.find((one) => one.device === id && one.model === model),
  );
  const standings = states.map((state) => [state, standingOf(state, { digest, attempt })] as const);
  const proven = standings.filter(([, standing]) => standing === 'proven');
  const failed = standings.flatMap(([state, standing]) =>
    state && (standing === 'failed' || standing === 'regressed') ? [state] : [],
  );
  const isKnown = (state: DeviceModel): boolean =>
    ring.acknowledged?.some(
      (a) => a.device === state.device && a.attempt >= (state.candidate?.attempt ?? 0),
    ) ?? false;
  return {
    proven: proven.length,
    exercised: proven.filter(([state]) => state?.isUnexercised === false).length,
    executed: standings.filter(([, standing]) => isExecuted(standing)).length,
    compatible: standings.filter(([, standing]) => standing !== 'incompatible').length,
    failed: failed.map(({ device }) => device),
    unknownFailures: failed.filter((state) => !isKnown(state)).length,
  };
}

const opened = ({ before, step }: StepView): readonly number[] =>
  step.rollout.rings.flatMap((ring, i) =>
    ring.state !== 'waiting' && before.rings[i]?.state === 'waiting' ? [i] : [],
  );

/** A ring opens only when every ring before it has passed. */
export function ringsOpenInOrder(view: StepView): void {
  for (const i of opened(view)) {
    const waiting = view.step.rollout.rings.slice(0, i).find((ring) => ring.state !== 'passed');
    require('ringsOpenInOrder', waiting === undefined, () =>
      `ring ${view.plans[i]?.ring} opened while ${waiting?.plan.ring} is ${waiting?.state}`);
  }
}

/** A gate passes only on the minimum sample that its plan asks for, counted anew from what devices reported. */
export function gatesPassOnTheirSample(view: StepView): void {
  const { before, step, plans, nowMs } = view;
  for (const [i, ring] of step.rollout.rings.entries()) {
    const plan = plans[i];
    if (!plan || ring.state !== 'passed' || before.rings[i]?.state === 'passed') continue;
    const found = recount(view, ring);
    const wanted = {
      proven: Math.max(1, plan.minProven),
      exercised: Math.max(1, plan.minExercised),
      executed: Math.max(1, Math.min(plan.minExecuted, found.compatible)),
    };
    for (const key of ['proven', 'exercised', 'executed'] as const) {
      require('gatesPassOnTheirSample', found[key] >= wanted[key], () =>
        `ring ${plan.ring} passed with ${found[key]} ${key} devices, its plan asks for ${wanted[key]}`);
    }
    require('gatesPassOnTheirSample', found.unknownFailures === 0 ||
      found.failed.length <= plan.maxFailures, () =>
      `ring ${plan.ring} passed with ${found.failed.length} failures, of which nobody saw ${found.unknownFailures}`);
    const baked = nowMs - (ring.openedAtMs ?? nowMs);
    require('gatesPassOnTheirSample', baked >= plan.bakeMs, () =>
      `ring ${plan.ring} passed after ${baked} ms`);
  }
}

/** A device that counts as proven has really committed that release, as an onlooker saw. */
export function provenMeansCommitted(view: StepView): void {
  const { before, fleet, ledgers } = view;
  for (const state of fleet.models) {
    if (state.model !== before.model || !state.isProven || state.running?.digest !== before.digest) continue;
    const isTrue = ledgers.get(state.device)?.committed.has(`${state.model} ${before.digest}`) ?? false;
    require('provenMeansCommitted', isTrue, () =>
      `${state.device} counts as proven and never committed ${before.version}`);
  }
}

/** Failures that devices reported are in the counts of their ring's gate, before and after a person resumes. */
export function noFailureIsForgotten(view: StepView): void {
  const { before, step } = view;
  for (const [i, ring] of step.rollout.rings.entries()) {
    const old = before.rings[i];
    if (ring.state === 'waiting' || old?.state === 'waiting' || ring.state === 'rolledBack') continue;
    for (const known of old?.acknowledged ?? []) {
      const isStill = ring.acknowledged?.some((a) => a.device === known.device && a.attempt >= known.attempt);
      require('noFailureIsForgotten', isStill ?? false, () =>
        `the acknowledged failure of ${known.device} in ring ${ring.plan.ring} was forgotten`);
    }
    const isNew = ring.gate !== null && ring.gate !== old?.gate;
    if (!isNew || ring.gate === null) continue;
    const { failed } = recount(view, ring);
    const { counts } = ring.gate;
    require('noFailureIsForgotten', counts.failed >= failed.length, () =>
      `the gate of ring ${ring.plan.ring} counts ${counts.failed} failures, ${failed.join(', ')} reported one`);
  }
}

/** A ring that waits is not given the release, and a rollout that does not run opens none. */
export function waitingRingsStayUntouched(view: StepView): void {
  const { step, plans } = view;
  for (const assignment of step.assignments) {
    const i = plans.findIndex(({ ring }) => ring === assignment.ring);
    const isTouched = assignment.digest === step.rollout.digest && step.rollout.rings[i]?.state === 'waiting';
    require('waitingRingsStayUntouched', !isTouched, () =>
      `ring ${assignment.ring} waits and was given the release`);
  }
  const isMoving = opened(view).length > 0;
  require('waitingRingsStayUntouched', !isMoving || step.rollout.state === 'running', () =>
    `a ring opened while the rollout is ${step.rollout.state}`);
}

/** Whatever does not run says why, with a code; what has ended stays ended. */
export function endsWithReasons({ before, step: { rollout } }: StepView): void {
  const isQuiet = ['running', 'completed', 'completedWithStragglers'].includes(rollout.state);
  require('endsWithReasons', isQuiet || (rollout.reason !== null && rollout.reasonCode !== null), () =>
    `rollout of ${rollout.version} is ${rollout.state} without a reason`);
  const hasEnded = !['running', 'paused'].includes(before.state);
  require('endsWithReasons', !hasEnded || !['running', 'paused'].includes(rollout.state), () =>
    `rollout of ${rollout.version} went from ${before.state} back to ${rollout.state}`);
}

/** All of them: what one saved step of a rollout must hold to. */
export function checkStep(view: StepView): void {
  ringsOpenInOrder(view);
  gatesPassOnTheirSample(view);
  provenMeansCommitted(view);
  noFailureIsForgotten(view);
  waitingRingsStayUntouched(view);
  endsWithReasons(view);
}
