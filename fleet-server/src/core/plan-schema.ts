import { Name } from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';
import { DURATION_PATTERN } from './duration.ts';
import { TermsSpec } from './terms-schema.ts';

const Duration = Type.String({
  pattern: DURATION_PATTERN,
  maxLength: 40,
  description: 'A duration: 500ms, 6s, 30m, 72h, 1h30m',
});
const Count = Type.Integer({ minimum: 0, maximum: 10_000_000 });

const RingSpec = Type.Object(
  {
    ring: Name,
    bake: Type.Optional(Duration),
    minProven: Type.Optional(Count),
    minExercised: Type.Optional(Count),
    minExecuted: Type.Optional(Count),
    maxFailureRatio: Type.Optional(
      Type.String({ pattern: '^\\d{1,3}(\\.\\d{1,2})?%$', description: 'A share: 5%, 0.25%' }),
    ),
    maxFailures: Type.Optional(Count),
    deadline: Type.Optional(Duration),
    approval: Type.Optional(Type.Boolean()),
    onFailure: Type.Optional(
      Type.Union([Type.Literal('pause'), Type.Literal('rollbackRing'), Type.Literal('rollbackAll')]),
    ),
    terms: Type.Optional({ ...TermsSpec, description: 'of this ring, before those of the plan' }),
  },
  { additionalProperties: false },
);

/** `spec` of a plan file: what the API takes and the CLI reads from YAML. What is left out has a default. */
export const RolloutPlanSpec = Type.Object(
  {
    soak: Type.Optional(
      Type.Object(
        {
          for: Type.Optional(Duration),
          minInferences: Type.Optional(Count),
          deadline: Type.Optional(Duration),
        },
        { additionalProperties: false },
      ),
    ),
    terms: Type.Optional({ ...TermsSpec, description: 'what is asked of the devices of every ring' }),
    rings: Type.Array(RingSpec, { minItems: 1, maxItems: 64 }),
  },
  { additionalProperties: false },
);
export type RolloutPlanSpec = Static<typeof RolloutPlanSpec>;
export type RingSpec = Static<typeof RingSpec>;
export type SoakSpec = NonNullable<RolloutPlanSpec['soak']>;

/** A whole plan file (DESIGN §12: declarative objects). */
export const RolloutPlanFile = Type.Object(
  {
    apiVersion: Type.Literal('ringfleet/v1'),
    kind: Type.Literal('RolloutPlan'),
    metadata: Type.Object({ name: Name }),
    spec: RolloutPlanSpec,
  },
  { additionalProperties: false },
);
export type RolloutPlanFile = Static<typeof RolloutPlanFile>;
