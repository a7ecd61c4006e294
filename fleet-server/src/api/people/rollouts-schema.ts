import { Digest, Name, Uuid, Version } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import { RolloutPlanSpec } from '../../core/plan-schema.ts';
import { Terms } from '../../core/terms.ts';
import { nullable } from '../schemas.ts';

export const ById = Type.Object({ id: Uuid });

export const NewRollout = Type.Object(
  { model: Name, version: Version, plan: RolloutPlanSpec },
  { additionalProperties: false },
);

const Ms = Type.Integer({ minimum: 0 });
const GateCounts = Type.Object({
  members: Type.Integer(),
  executed: Type.Integer({ description: 'have run the release: the denominator of the failure ratio' }),
  proven: Type.Integer({ description: 'a heartbeat after the commit showed it running' }),
  exercised: Type.Integer({ description: 'proven, and real requests reached it' }),
  failed: Type.Integer({ description: 'by the fault of the release, those that regressed included' }),
  regressed: Type.Integer({ description: 'fell back after they had committed' }),
  unreached: Type.Integer(),
  incompatible: Type.Integer(),
  infra: Type.Integer({ description: 'failed for reasons that are not the release’s; in no ratio' }),
});

const Gate = Type.Object({
  verdict: Type.Union([Type.Literal('PASS'), Type.Literal('FAIL'), Type.Literal('INCONCLUSIVE')]),
  code: Type.String(),
  sentence: Type.String(),
  counts: GateCounts,
  claim: Type.String({ description: 'what so many devices can and cannot show' }),
  atMs: Ms,
});

const RingPlan = Type.Object({
  ring: Name,
  bakeMs: Ms,
  minProven: Type.Integer(),
  minExercised: Type.Integer(),
  maxFailureBasisPoints: Type.Integer(),
  minExecuted: Type.Integer(),
  maxFailures: Type.Integer(),
  deadlineMs: Ms,
  needsApproval: Type.Boolean(),
  onFailure: Type.Union([Type.Literal('pause'), Type.Literal('rollbackRing'), Type.Literal('rollbackAll')]),
  terms: Type.Optional(Terms),
});

const RolloutRing = Type.Object({
  plan: RingPlan,
  state: Type.Union([
    Type.Literal('waiting'),
    Type.Literal('open'),
    Type.Literal('passed'),
    Type.Literal('failed'),
    Type.Literal('rolledBack'),
  ]),
  openedAtMs: nullable(Ms),
  closedAtMs: nullable(Ms),
  previous: nullable(
    Type.Object({
      version: Version,
      digest: Digest,
      attempt: Type.Optional(Type.Integer()),
      terms: Type.Optional(nullable(Terms)),
    }),
  ),
  gate: nullable(Gate),
  bakingSinceMs: Type.Optional(nullable(Ms)),
  deadlineFromMs: Type.Optional(nullable(Ms)),
  acknowledged: Type.Optional(Type.Array(Type.Object({ device: Type.String(), attempt: Type.Integer() }))),
  approvedBy: Type.Optional(nullable(Type.String())),
});

export const RolloutView = Type.Object({
  id: Uuid,
  model: Name,
  version: Version,
  digest: Digest,
  state: Type.Union([
    Type.Literal('running'),
    Type.Literal('paused'),
    Type.Literal('halted'),
    Type.Literal('aborted'),
    Type.Literal('superseded'),
    Type.Literal('completed'),
    Type.Literal('completedWithStragglers'),
  ]),
  reason: nullable(Type.String()),
  reasonCode: nullable(Type.String()),
  soak: Type.Object({ soakMs: Ms, minInferences: Type.Integer(), deadlineMs: Ms }),
  rings: Type.Array(RolloutRing),
  createdAtMs: Ms,
  createdBy: Type.String(),
  endedAtMs: nullable(Ms),
  revision: Type.Integer(),
});

export const ExplanationView = Type.Object({
  rollout: Uuid,
  sentences: Type.Array(Type.String(), { description: 'the chain of reasons, first cause first' }),
  devices: Type.Array(
    Type.Object({
      device: Type.String(),
      ring: Name,
      code: Type.String(),
      sentence: Type.String(),
    }),
  ),
});
