import { type Static, Type } from 'typebox';
import { Count, Digest, Name, Version } from '../protocol/ids.ts';
import { PostStep, PreStep } from '../steps/step-schemas.ts';
import { Datatype } from './datatype.ts';
import { FeatureSpec, RequestExpectation } from './feature-spec.ts';

/** A path inside a release: relative, `/`-separated, no empty, `.` or `..` segment. */
export const ReleasePath = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^(?!.*(^|/)\\.{1,2}(/|$))[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_.-]+)*$',
});

export { Datatype };

export const ReleaseFile = Type.Object({ path: ReleasePath, sizeBytes: Count, sha256: Digest });
export type ReleaseFile = Static<typeof ReleaseFile>;

/** One axis: a fixed length, or a dynamic one with its upper bound. */
export const Axis = Type.Object({
  name: Type.Optional(Type.String({ maxLength: 64 })),
  min: Type.Integer({ minimum: 0, maximum: 0x7fffffff }),
  max: Type.Integer({ minimum: 1, maximum: 0x7fffffff }),
});

export const TensorSpec = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 128 }),
  datatype: Datatype,
  axes: Type.Array(Axis, { maxItems: 8 }),
});
export type TensorSpec = Static<typeof TensorSpec>;

export const Variant = Type.Object({
  name: Name,
  /** The model file the runtime opens. */
  entry: ReleasePath,
  files: Type.Array(ReleasePath, { minItems: 1, maxItems: 64 }),
  constraints: Type.Object({
    arch: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { maxItems: 8 })),
    os: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { maxItems: 8 })),
    /** Execution providers, tried in this order. */
    providers: Type.Array(Name, { minItems: 1, maxItems: 8 }),
    /** Semver range of ONNX Runtime. */
    runtime: Type.Optional(Type.String({ maxLength: 64 })),
    memoryBytes: Type.Optional(Count),
  }),
  session: Type.Object({
    intraOpThreads: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    fallback: Type.Optional(Type.Union([Type.Literal('allow'), Type.Literal('forbid')])),
  }),
  /** False when the provider was not at the build machine: the first device of that hardware proves it. */
  isProven: Type.Boolean(),
});
export type Variant = Static<typeof Variant>;

/**
 * Reference of one watched number. Inner edges e[0] < … < e[k-1] make k+1 bins: bin i is e[i-1] <= x < e[i], the outer
 * ones open; `values` instead of edges when the reference has at most 20 distinct values, then one bin each plus "other".
 */
export const FeatureProfile = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 128 }),
  edges: Type.Optional(Type.Array(Type.Number(), { maxItems: 63 })),
  values: Type.Optional(Type.Array(Type.Number(), { maxItems: 20 })),
  counts: Type.Array(Count, { minItems: 1, maxItems: 64 }),
  mean: Type.Number(),
  standardDeviation: Type.Number({ minimum: 0 }),
  min: Type.Number(),
  max: Type.Number(),
  /** G above which a full window is an alarm: of 128, 256 … 16 384 samples. Without them there is no alarm of drift. */
  thresholds: Type.Optional(Type.Array(Type.Number(), { maxItems: 8 })),
  /** Of ordered training data: every how many samples one counts for decisions, because neighbours are alike. */
  stride: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
  /** Equal values in a row that mean that something hangs. */
  stuckAfter: Type.Optional(Type.Integer({ minimum: 2, maximum: 1_000_000 })),
});
export type FeatureProfile = Static<typeof FeatureProfile>;

export const ReferenceProfile = Type.Object({
  samples: Count,
  features: Type.Array(FeatureProfile, { maxItems: 256 }),
  /** Predicted class counts and the confidence of the top class over the reference, when labels are declared. */
  classes: Type.Optional(Type.Array(Count, { maxItems: 1024 })),
  confidence: Type.Optional(FeatureProfile),
  isProvisional: Type.Optional(Type.Boolean()),
});
export type ReferenceProfile = Static<typeof ReferenceProfile>;

/** The signed description of a release: plain bytes by digest, hashed as RFC 8785 JSON (DESIGN §5, §12). */
export const Manifest = Type.Object({
  schema: Type.Literal('ringfleet/manifest/1'),
  model: Name,
  version: Version,
  createdAt: Type.String({ maxLength: 40 }),
  description: Type.String({ maxLength: 2_000 }),
  license: Type.String({ maxLength: 200 }),
  files: Type.Array(ReleaseFile, { minItems: 1, maxItems: 2_048 }),
  variants: Type.Array(Variant, { minItems: 1, maxItems: 16 }),
  inputs: Type.Array(TensorSpec, { minItems: 1, maxItems: 64 }),
  outputs: Type.Array(TensorSpec, { minItems: 1, maxItems: 64 }),
  /** What happens to a request's inputs before the model sees them, in order; `inputs` are those of the request. */
  pre: Type.Array(PreStep, { maxItems: 16 }),
  /** What happens to the model's outputs before they are answered, in order; `outputs` are those of the answer. */
  post: Type.Array(PostStep, { maxItems: 16 }),
  /** Names of the classes of one output, in order. */
  labels: Type.Optional(
    Type.Object({
      output: Type.String({ maxLength: 128 }),
      names: Type.Array(Type.String({ maxLength: 128 }), { minItems: 2, maxItems: 1024 }),
    }),
  ),
  features: Type.Array(FeatureSpec, { maxItems: 256 }),
  requests: Type.Optional(RequestExpectation),
  profile: Type.Optional(ReferenceProfile),
  /** `path` is a folder of the release: NNN.req and NNN.res, V2 binary bodies. */
  conformance: Type.Object({
    path: ReleasePath,
    count: Type.Integer({ minimum: 1, maximum: 1_000 }),
    tolerances: Type.Object({ absolute: Type.Number({ minimum: 0 }), relative: Type.Number({ minimum: 0 }) }),
  }),
  /** `path` holds NNN.req and `acceptance.json`: `{"labels": [index per sample of NNN.req, in order]}`. */
  acceptance: Type.Optional(
    Type.Object({
      path: ReleasePath,
      count: Type.Integer({ minimum: 1, maximum: 10_000 }),
      metric: Type.Literal('accuracy'),
      minimum: Type.Number({ minimum: 0, maximum: 1 }),
    }),
  ),
  limits: Type.Object({
    memoryBytes: Count,
    loadMs: Type.Integer({ minimum: 1, maximum: 3_600_000 }),
    /** The execution limit: the only thing that kills a runner (DESIGN §6 "Whose fault"). */
    inferMs: Type.Integer({ minimum: 1, maximum: 3_600_000 }),
  }),
  lineage: Type.Record(Type.String({ maxLength: 64 }), Type.Unknown()),
  minimumFrom: Type.Optional(Version),
});
export type Manifest = Static<typeof Manifest>;
