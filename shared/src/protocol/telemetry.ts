import { type Static, Type } from 'typebox';
import { DeviceHealth } from './device-health.ts';
import { Count, EpochMs, Name, RunningDigest } from './ids.ts';
import { Phase } from './state-report.ts';

/** Upper bounds in microseconds of the latency histogram's bins; one more bin counts what is slower. */
export const LATENCY_BOUNDS_US: readonly number[] = [
  100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
];

const Bins = Type.Array(Count, { maxItems: 64 });

/** Counts of one feature since the last report: the profile's bins plus what fell outside of them. Never raw inputs. */
export const FeatureCounts = Type.Object({
  name: Type.String({ maxLength: 128 }),
  bins: Bins,
  missing: Count,
  nonFinite: Count,
  outOfRange: Count,
  /** Values that broke the feature's schema, of refused requests too; absent where the release declares none. */
  violations: Type.Optional(
    Type.Object({ missing: Count, outOfRange: Count, unknownCategory: Count, wrongType: Count }),
  ),
});
export type FeatureCounts = Static<typeof FeatureCounts>;

/**
 * How far a feature is from its reference over its largest full window: `value` is the population stability index, the
 * number shown to people, `g` the statistic that decides, `js` and `ks` the Jensen-Shannon and (between bins)
 * Kolmogorov-Smirnov distances.
 */
export const FeatureDrift = Type.Object({
  name: Type.String({ maxLength: 128 }),
  value: Type.Number(),
  samples: Count,
  g: Type.Optional(Type.Number()),
  js: Type.Optional(Type.Number()),
  ks: Type.Optional(Type.Number()),
});
export type FeatureDrift = Static<typeof FeatureDrift>;

/**
 * What is wrong with a release's inputs now. `drift`: G of a window above its threshold; `stuck`: equal values in a row;
 * `missing`: share of missing values; `stale`: ms without a request; `rate`: requests in an hour.
 */
export const WatchAlarm = Type.Object({
  kind: Type.String({ maxLength: 32 }),
  /** The feature, or `confidence`; absent where it is about requests. */
  name: Type.Optional(Type.String({ maxLength: 128 })),
  sinceMs: EpochMs,
  value: Type.Number(),
  limit: Type.Number(),
  /** Of the window that raised it. */
  samples: Type.Optional(Count),
});
export type WatchAlarm = Static<typeof WatchAlarm>;

/** What a release asked for, what it runs on and why; `nodes` counts the model's nodes per provider where that is known. */
export const ProviderTelemetry = Type.Object({
  asked: Type.Array(Name, { maxItems: 8 }),
  active: Name,
  reason: Type.String({ maxLength: 500 }),
  nodes: Type.Optional(Type.Record(Type.String({ maxLength: 64 }), Count)),
});

export const ModelTelemetry = Type.Object({
  model: Name,
  phase: Phase,
  running: Type.Optional(RunningDigest),
  isCommitted: Type.Boolean(),
  /** Requests answered by the running release since the last report. */
  answers: Count,
  /** Failures on schema-valid, finite input (DESIGN §6 "Whose fault"). */
  failures: Count,
  /** Requests refused for their own fault. */
  rejected: Count,
  /** Requests of the running release that the previous release answered. */
  fallbacks: Count,
  runnerRestarts: Count,
  /** Absent while no runner is up, and from agents that do not say it. */
  provider: Type.Optional(ProviderTelemetry),
  latencyUs: Bins,
  features: Type.Array(FeatureCounts, { maxItems: 256 }),
  /** Predicted class counts and confidence bins, when the manifest declares labels. */
  classes: Type.Optional(Type.Array(Count, { maxItems: 1024 })),
  confidence: Type.Optional(Bins),
  /** Answers that were marked because a value broke its feature's schema. */
  degraded: Type.Optional(Count),
  psi: Type.Optional(Type.Array(FeatureDrift, { maxItems: 257 })),
  /** Raised now, the longest first; absent when there are none. */
  alarms: Type.Optional(Type.Array(WatchAlarm, { maxItems: 64 })),
});
export type ModelTelemetry = Static<typeof ModelTelemetry>;

/** `up/tele`: the heartbeat. All counts cover [from, to). */
export const Telemetry = Type.Object({
  from: EpochMs,
  to: EpochMs,
  device: Type.Object({
    uptimeMs: Count,
    rssBytes: Count,
    cpuMs: Count,
    memoryFreeBytes: Count,
    diskFreeBytes: Count,
    load1: Type.Number({ minimum: 0 }),
    /** Absent from agents that do not say it. */
    health: Type.Optional(DeviceHealth),
  }),
  outbox: Type.Object({ rows: Count, bytes: Count, dropped: Count }),
  models: Type.Array(ModelTelemetry, { maxItems: 64 }),
});
export type Telemetry = Static<typeof Telemetry>;
