import type { FeatureCounts, ModelTelemetry, Stream, Telemetry } from '@ringfleet/shared/protocol';
import { VIOLATIONS, type Violation } from '@ringfleet/shared/stats';

type Violations = NonNullable<FeatureCounts['violations']>;

/** One waiting report, oldest first. `seq` is null until it was first sent. */
export interface OutboxRow {
  readonly id: number;
  readonly stream: Stream;
  readonly seq: number | null;
  readonly bytes: number;
  readonly isTombstone: boolean;
}

export type Relief =
  | { readonly do: 'nothing' }
  /** Two unsent, neighbouring telemetry rows become one coarser window. */
  | { readonly do: 'merge'; readonly older: number; readonly newer: number }
  | { readonly do: 'drop'; readonly id: number }
  /** A numbered row loses its content, not its place in the sequence. */
  | { readonly do: 'tombstone'; readonly id: number };

const MAX_MODELS = 64;

/**
 * The next step to get below `maxBytes`: merge unsent telemetry, then drop it, then empty sent telemetry. State and
 * event reports are never dropped, even when they alone are too much (DESIGN §6 "Outbox").
 * `unmergeable` lists older rows whose merge was tried and refused.
 */
export function reliefOf(
  telemetry: readonly OutboxRow[],
  totalBytes: number,
  maxBytes: number,
  unmergeable: ReadonlySet<number> = new Set(),
): Relief {
  if (totalBytes <= maxBytes) return { do: 'nothing' };
  const unsent = telemetry.filter((row) => row.seq === null);
  const pair = unsent.findIndex((row, i) => i + 1 < unsent.length && !unmergeable.has(row.id));
  const [older, newer] = [unsent[pair], unsent[pair + 1]];
  if (pair >= 0 && older && newer && unsent.length > 2)
    return { do: 'merge', older: older.id, newer: newer.id };
  const oldest = unsent[0];
  if (oldest) return { do: 'drop', id: oldest.id };
  const sent = telemetry.find((row) => row.seq !== null && !row.isTombstone);
  return sent ? { do: 'tombstone', id: sent.id } : { do: 'nothing' };
}

/** One window that covers both; null when they cannot be added up within the protocol's bounds. */
export function mergeTelemetry(older: Telemetry, newer: Telemetry): Telemetry | null {
  const models: ModelTelemetry[] = [...older.models];
  for (const one of newer.models) {
    const i = models.findIndex((other) => isSameSource(other, one));
    const before = models[i];
    if (before) models[i] = add(before, one);
    else models.push(one);
  }
  if (models.length > MAX_MODELS) return null;
  const outbox = { ...newer.outbox, dropped: older.outbox.dropped + newer.outbox.dropped };
  return { from: older.from, to: newer.to, device: newer.device, outbox, models };
}

function isSameSource(a: ModelTelemetry, b: ModelTelemetry): boolean {
  return (
    a.model === b.model &&
    a.running?.digest === b.running?.digest &&
    a.isCommitted === b.isCommitted &&
    JSON.stringify(shape(a)) === JSON.stringify(shape(b))
  );
}

const shape = (one: ModelTelemetry): unknown => [
  one.latencyUs.length,
  one.features.map((feature) => [feature.name, feature.bins.length]),
  one.classes?.length,
  one.confidence?.length,
];

function add(a: ModelTelemetry, b: ModelTelemetry): ModelTelemetry {
  return {
    ...b,
    answers: a.answers + b.answers,
    failures: a.failures + b.failures,
    rejected: a.rejected + b.rejected,
    fallbacks: a.fallbacks + b.fallbacks,
    runnerRestarts: a.runnerRestarts + b.runnerRestarts,
    ...(a.degraded || b.degraded ? { degraded: (a.degraded ?? 0) + (b.degraded ?? 0) } : {}),
    latencyUs: addBins(a.latencyUs, b.latencyUs),
    features: b.features.map((feature, i) => {
      const before = a.features[i] ?? feature;
      return {
        name: feature.name,
        bins: addBins(before.bins, feature.bins),
        missing: before.missing + feature.missing,
        nonFinite: before.nonFinite + feature.nonFinite,
        outOfRange: before.outOfRange + feature.outOfRange,
        ...(feature.violations ? { violations: addViolations(before, feature) } : {}),
      };
    }),
    ...(a.classes && b.classes ? { classes: addBins(a.classes, b.classes) } : {}),
    ...(a.confidence && b.confidence ? { confidence: addBins(a.confidence, b.confidence) } : {}),
  };
}

function addViolations(a: FeatureCounts, b: FeatureCounts): Violations {
  const count = (of: Violation): number => (a.violations?.[of] ?? 0) + (b.violations?.[of] ?? 0);
  return Object.fromEntries(VIOLATIONS.map((of) => [of, count(of)])) as Violations;
}

const addBins = (a: readonly number[], b: readonly number[]): number[] =>
  b.map((count, i) => count + (a[i] ?? 0));
