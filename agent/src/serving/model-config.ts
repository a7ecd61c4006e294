import { Name } from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';
import { constantAnswer } from './constant-answer.ts';
import { type FallbackPolicy, WAIT } from './fallback-policy.ts';

export const RunProfileName = Type.Union([
  Type.Literal('latency'),
  Type.Literal('balanced'),
  Type.Literal('power'),
]);

/** What this site says of one model (`models.list` of agent.yaml). */
export const ModelConfig = Type.Object(
  {
    model: Name,
    fallback: Type.Optional(
      Type.Union([
        Type.Literal('wait'),
        Type.Literal('previous'),
        Type.Literal('constant'),
        Type.Literal('unavailable'),
      ]),
    ),
    /** How its runs use the device, where that differs from `runtime.profile`. */
    profile: Type.Optional(RunProfileName),
    /** The outputs of the constant, as in a V2 response. */
    constant: Type.Optional(Type.Array(Type.Unknown(), { minItems: 1, maxItems: 64 })),
  },
  { additionalProperties: false },
);
export type ModelConfig = Static<typeof ModelConfig>;

/** What answers for each model while it has no runner. Throws CONFIG_INVALID for a constant that is none. */
export function fallbackPolicies(list: readonly ModelConfig[]): (model: string) => FallbackPolicy {
  const policies = new Map(list.map((config) => [config.model, policyOf(config)]));
  return (model) => policies.get(model) ?? WAIT;
}

function policyOf({ model, fallback = 'wait', constant = [] }: ModelConfig): FallbackPolicy {
  return fallback === 'constant'
    ? { kind: 'constant', answer: constantAnswer(model, constant) }
    : { kind: fallback };
}
