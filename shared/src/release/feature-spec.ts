import { type Static, Type } from 'typebox';
import { Count } from '../protocol/ids.ts';

/**
 * What a feature's values must be like, and what becomes of a request whose values are not: `reject` refuses it,
 * `degrade` answers and marks the answer, `observe` only counts.
 */
export const Expectation = Type.Object({
  /** Smallest and largest value, both allowed. */
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
  /** All values that may come. */
  values: Type.Optional(Type.Array(Type.Number(), { minItems: 1, maxItems: 256 })),
  type: Type.Optional(Type.Union([Type.Literal('integer'), Type.Literal('boolean')])),
  /** Share of the last 128 values that may be missing: NaN, null in JSON. Without it NaN is refused as everywhere else. */
  missing: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  /** `observe` when absent. */
  onViolation: Type.Optional(
    Type.Union([Type.Literal('reject'), Type.Literal('degrade'), Type.Literal('observe')]),
  ),
});
export type Expectation = Static<typeof Expectation>;

/** One scalar of an input tensor, or a whole image, that is watched. */
export const FeatureSpec = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 128 }),
  input: Type.String({ minLength: 1, maxLength: 128 }),
  kind: Type.Union([
    Type.Literal('numeric'),
    Type.Literal('categorical'),
    Type.Literal('boolean'),
    Type.Literal('image'),
  ]),
  /** Offset of the scalar inside one sample's flattened tensor; absent for images. */
  index: Type.Optional(Count),
  /** Checked on every request of a device; an image is judged by its mean. */
  expect: Type.Optional(Expectation),
});
export type FeatureSpec = Static<typeof FeatureSpec>;

/** How often a device is asked when all is well; what is not said is not watched. */
export const RequestExpectation = Type.Object({
  /** Without a request for so long something in front of the model is broken. */
  staleAfterMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 31_536_000_000 })),
  perHour: Type.Optional(
    Type.Object({
      min: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000 })),
      max: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000 })),
    }),
  ),
});
export type RequestExpectation = Static<typeof RequestExpectation>;

/** What is wrong with an expectation besides its types, or undefined. `isFloat` is whether the input can hold NaN. */
export function expectationFault({ kind, expect }: FeatureSpec, isFloat: boolean): string | undefined {
  if (!expect) return undefined;
  const { min, max, values, missing } = expect;
  if (min !== undefined && max !== undefined && min > max) return `min ${min} is above max ${max}`;
  if (values && (min !== undefined || max !== undefined)) return 'values and min or max exclude each other';
  if (missing !== undefined && kind === 'image') return 'an image has no missing values';
  if (missing !== undefined && !isFloat) return 'only floating point inputs can hold missing values';
  return undefined;
}
