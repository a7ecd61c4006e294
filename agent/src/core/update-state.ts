import {
  AssignmentTerms,
  Code,
  Count,
  checkerOf,
  Digest,
  EpochMs,
  Name,
  Phase,
  RunningDigest,
  Sentence,
  Uuid,
  Version,
} from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';
import { lifted, STATE_VERSION } from './update-state-versions.ts';

export { STATE_VERSION } from './update-state-versions.ts';

/** One release as a verified assignment asks for it. */
export const Job = Type.Object({
  version: Version,
  digest: Digest,
  manifestBytes: Count,
  releaseCounter: Count,
  /** The publisher's floor at the time of the assignment; becomes the device's floor at commit (DESIGN §4). */
  minReleaseCounter: Count,
  variants: Type.Array(Name),
  attempt: Count,
  generation: Count,
  rollout: Type.Optional(Uuid),
  soakMs: Count,
  minInferences: Count,
  soakDeadlineMs: Count,
  installBefore: EpochMs,
  ...AssignmentTerms,
});
export type Job = Static<typeof Job>;

/** A release on this disk, proven or on trial, the attempt that brought it, and since when it is what is committed. */
export const Installed = Type.Object({
  ...RunningDigest.properties,
  attempt: Count,
  limits: AssignmentTerms.limits,
  sinceMs: Type.Optional(EpochMs),
});
export type Installed = Static<typeof Installed>;

export const Failure = Type.Object({ code: Code, reason: Sentence, phase: Phase });
export type Failure = Static<typeof Failure>;

/** The last release that was given up, and why: until another one is committed, it explains what runs. */
export const Setback = Type.Object({ ...Failure.properties, version: Version, atMs: EpochMs });
export type Setback = Static<typeof Setback>;

/** Why a state does not go on although nothing failed: a hold, a closed window. */
export const Waiting = Type.Object({ code: Code, reason: Sentence, untilMs: Type.Optional(EpochMs) });
export type Waiting = Static<typeof Waiting>;

/** What the previous release showed just before the switch; kept, because a reboot may come during the soak. */
export const Baseline = Type.Object({
  classes: Type.Optional(Type.Array(Count, { maxItems: 1024 })),
  /** Confidence of the best class in equal bins of [0, 1]. */
  scores: Type.Optional(Type.Array(Count, { maxItems: 64 })),
  latencyUs: Type.Array(Count, { maxItems: 64 }),
  /** Watched values, and how many of them were missing, not finite or out of range. */
  values: Type.Optional(Count),
  badValues: Type.Optional(Count),
});
export type Baseline = Static<typeof Baseline>;

/** Releases that are not tried again before their attempt is raised; the newest are kept. */
export const Barred = Type.Array(Type.Object({ digest: Digest, attempt: Count }), { maxItems: 32 });

const common = {
  v: Type.Literal(STATE_VERSION),
  /** The refused try that the last report of this machine was about; see `answerOf`. */
  answered: Type.Optional(Type.String()),
  model: Name,
  /** When this phase began. */
  sinceMs: EpochMs,
  generation: Count,
  failed: Barred,
  /** The release before the committed one: where a regression goes back to. */
  previous: Type.Union([Installed, Type.Null()]),
  isUnexercised: Type.Boolean(),
  setback: Type.Optional(Setback),
};
const committed = Type.Union([Installed, Type.Null()]);
const trying = {
  ...common,
  committed,
  job: Job,
  /** How often the agent died since this try, or its trial, began; see `onBooted`. */
  boots: Count,
  waiting: Type.Optional(Waiting),
};
/** How often the whole machine went down during the trial, for whatever reason. */
const cuts = Count;

const Empty = Type.Object({
  ...common,
  phase: Type.Literal('empty'),
  committed: Type.Null(),
  isAssigned: Type.Boolean(),
});
const Idle = Type.Object({ ...common, phase: Type.Literal('idle'), committed: Installed });
const Offered = Type.Object({ ...trying, phase: Type.Literal('offered') });
const Moving = Type.Object({
  ...trying,
  phase: Type.Union([
    Type.Literal('downloading'),
    Type.Literal('verifying'),
    Type.Literal('preflight'),
    Type.Literal('ready'),
    Type.Literal('shadow'),
  ]),
  candidate: Installed,
  cuts,
});
const Trial = Type.Object({
  ...trying,
  phase: Type.Union([Type.Literal('activating'), Type.Literal('soaking')]),
  candidate: Installed,
  cuts,
  baseline: Type.Union([Baseline, Type.Null()]),
});
const RollingBack = Type.Object({
  ...common,
  phase: Type.Literal('rollingBack'),
  committed: Installed,
  previous: Installed,
  failure: Failure,
});
const Removing = Type.Object({ ...common, phase: Type.Literal('removing'), committed });

/** Everything that one model's update machine remembers; saved as it is. */
export const UpdateState = Type.Union([Empty, Idle, Offered, Moving, Trial, RollingBack, Removing]);
export type UpdateState = Static<typeof UpdateState>;
export type EmptyState = Static<typeof Empty>;
export type IdleState = Static<typeof Idle>;
export type OfferedState = Static<typeof Offered>;
export type MovingState = Static<typeof Moving>;
export type TrialState = Static<typeof Trial>;
export type BusyState = OfferedState | MovingState | TrialState;

const check = checkerOf(UpdateState, 'update state', 'STATE_INVALID');

/** Where a model starts that this device never ran. */
export function emptyState(model: string, nowMs: number): EmptyState {
  return {
    v: STATE_VERSION,
    model,
    phase: 'empty',
    sinceMs: nowMs,
    generation: 0,
    failed: [],
    previous: null,
    isUnexercised: false,
    committed: null,
    isAssigned: true,
  };
}

/** Reads a saved state of this or an older version. Throws STATE_INVALID on one that this agent does not know. */
export function readState(value: unknown): UpdateState {
  return check(lifted(value));
}

/** Names one try of one release: results of an older try fall away by it. */
export const keyOf = (job: Job): string => `${job.digest}#${job.attempt}`;

/** One try as one assignment asks for it. */
export const answerOf = (job: Job): string => `${keyOf(job)}@${job.generation}`;

export const isBusy = (state: UpdateState): state is BusyState => 'job' in state;
