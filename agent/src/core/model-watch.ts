import type { FeatureCount, RunnerAlarm, RunnerCounts } from '../ports/runtime.ts';

/** What a running release saw of its inputs since its runner started, for people. */
export interface ModelWatch {
  readonly answers: number;
  /** Answers marked because a value broke its feature's schema. */
  readonly degraded: number;
  readonly rejected: number;
  readonly alarms: readonly RunnerAlarm[];
  readonly features: readonly WatchedFeature[];
}

export interface WatchedFeature {
  readonly name: string;
  readonly missing: number;
  readonly nonFinite: number;
  readonly outOfRange: number;
  readonly violations?: FeatureCount['violations'];
  /** Over the feature's largest full window; absent before there is one. */
  readonly drift?: Omit<NonNullable<RunnerCounts['psi']>[number], 'name'>;
}

export function watchOf(counts: RunnerCounts): ModelWatch {
  const { answers, degraded = 0, rejected, features, psi = [], alarms = [] } = counts;
  return {
    answers,
    degraded,
    rejected,
    alarms,
    features: features.map(({ bins: _, ...feature }) => {
      const found = psi.find((one) => one.name === feature.name);
      if (!found) return feature;
      const { name: __, ...drift } = found;
      return { ...feature, drift };
    }),
  };
}

/** What of it is put into words. */
interface Shown {
  readonly degraded: number;
  readonly alarms?: readonly (Omit<RunnerAlarm, 'kind'> & { readonly kind: string })[];
  readonly features: readonly {
    readonly name: string;
    readonly violations?: Readonly<Record<string, number>>;
    readonly drift?: { readonly value: number; readonly samples: number };
  }[];
}

const MAX_SHOWN = 3;
/** Smaller figures are not worth a person's look, whatever the window. */
const MIN_SHOWN_PSI = 0.1;

/** The few features that a person should know of: broken schemas first, then the farthest from their reference. */
export function wordsOf({ degraded, features, alarms = [] }: Shown): string[] {
  const broken = features
    .map(({ name, violations = {} }) => ({ name, violations, total: sum(Object.values(violations)) }))
    .filter(({ total }) => total > 0)
    .toSorted((a, b) => b.total - a.total)
    .slice(0, MAX_SHOWN)
    .map(({ name, violations }) => `${name}: ${countsOf(violations)}`);
  const moved = features
    .filter(({ drift }) => drift !== undefined && drift.value >= MIN_SHOWN_PSI)
    .toSorted((a, b) => (b.drift?.value ?? 0) - (a.drift?.value ?? 0))
    .slice(0, MAX_SHOWN)
    .map(({ name, drift }) => `${name}: PSI ${drift?.value} over ${drift?.samples} samples`);
  const raised = alarms.slice(0, MAX_SHOWN).map(alarmWords);
  return [
    ...raised,
    ...broken,
    ...(degraded > 0 ? [`${degraded} answers were marked as degraded`] : []),
    ...moved,
  ];
}

function alarmWords(alarm: NonNullable<Shown['alarms']>[number]): string {
  const { kind, name = '', value, limit, samples, ageMs } = alarm;
  const since = `, for ${minutes(ageMs)}`;
  switch (kind) {
    case 'drift':
      return `alarm: ${name} is not as in training (G ${value} over ${samples} samples, allowed ${limit})${since}`;
    case 'stuck':
      return `alarm: ${name} does not change any more (${value} equal values in a row, allowed ${limit})${since}`;
    case 'missing':
      return `alarm: ${percent(value)} of ${name} is missing, allowed ${percent(limit)}${since}`;
    case 'stale':
      return `alarm: nobody has asked for ${minutes(value)}, allowed ${minutes(limit)}`;
    default:
      return `alarm: ${value} requests in an hour, limit ${limit}${since}`;
  }
}

const minutes = (ms: number): string => `${Math.round(ms / 6_000) / 10} min`;
const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`;

const WORDS: Readonly<Record<string, string>> = {
  missing: 'missing',
  outOfRange: 'out of range',
  unknownCategory: 'of an unknown category',
  wrongType: 'of the wrong type',
};

const countsOf = (violations: Readonly<Record<string, number>>): string =>
  Object.entries(violations)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${WORDS[reason] ?? reason}`)
    .join(', ');

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
