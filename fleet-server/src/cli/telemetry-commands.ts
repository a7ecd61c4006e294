import { CodedError } from '@ringfleet/shared/errors';
import type { DriftCell, DriftRow } from '../core/telemetry/drift.ts';
import type { GroupedBy, HealthRow } from '../core/telemetry/health.ts';
import type { RegisterCommands } from './context.ts';
import { durationOption, releaseArgument } from './operate-arguments.ts';
import { table } from './output.ts';

const GROUPS: readonly string[] = ['release', 'ring', 'site', 'hardware'] satisfies GroupedBy[];

interface Flags {
  readonly since: string;
  readonly by: string;
  readonly against?: string;
}

/** What the fleet counted: answers and failures, and what its inputs look like. */
export const registerTelemetryCommands: RegisterCommands = (program, context) => {
  program
    .command('health')
    .argument('<model>')
    .description('answers, failures and latency of a model in the fleet')
    .option('--since <duration>', 'how far back', '24h')
    .option('--by <what>', 'release, ring, site or hardware', 'release')
    .action(async (model: string, flags: Flags) => {
      const cli = context();
      const query = new URLSearchParams({ model, ...rangeOf(flags) });
      const found = (await cli.request('GET', `telemetry/health?${query}`)) as { rows: readonly HealthRow[] };
      const headers = [
        flags.by.toUpperCase(),
        'REPORTS',
        'ANSWERS',
        'FAILURES',
        'PER 1000 (95 %)',
        'REFUSED',
        'FALLBACKS',
        'RESTARTS',
        'P50',
        'P95',
        'P99',
      ];
      const empty = `No device counted anything of ${model} in the last ${flags.since}.`;
      cli.print(found, found.rows.length === 0 ? empty : table(headers, found.rows.map(healthLine)));
    });

  program
    .command('drift')
    .argument('<model@version>')
    .description(
      "what a release's inputs look like against its reference profile, or against another release",
    )
    .option('--since <duration>', 'how far back', '24h')
    .option('--by <what>', 'release, ring, site or hardware', 'ring')
    .option('--against <version>', 'compare with what this release sees in the same time')
    .action(async (release: string, flags: Flags) => {
      const cli = context();
      const { against } = flags;
      const query = new URLSearchParams({
        ...releaseArgument(release),
        ...rangeOf(flags),
        ...(against === undefined ? {} : { against }),
      });
      const found = (await cli.request('GET', `telemetry/drift?${query}`)) as { rows: readonly DriftRow[] };
      const headers = [
        flags.by.toUpperCase(),
        'FEATURE',
        'PSI',
        'SAMPLES',
        'MISSING',
        'NOT A NUMBER',
        'OUT OF RANGE',
      ];
      const rows = found.rows.flatMap((row) => row.features.map((cell) => driftLine(row.key, cell)));
      const empty = `No device counted a feature of ${release} in the last ${flags.since}.`;
      cli.print(found, rows.length === 0 ? empty : table(headers, rows));
    });
};

/** How far back is the server's to reckon: its clock counts. */
function rangeOf({ since, by }: Flags): { lastMs: string; by: string } {
  if (!GROUPS.includes(by))
    throw new CodedError('USAGE_INVALID', `--by ${by} is none of ${GROUPS.join(', ')}`);
  return { lastMs: String(durationOption('--since', since)), by };
}

function healthLine(row: HealthRow): readonly string[] {
  const { key, reports, answers, failures, failuresPerThousand: rate, rejected, fallbacks } = row;
  const counts = [reports, answers, failures].map(String);
  const interval = rate
    ? `${digits(rate.value)} (${digits(rate.lower)} to ${digits(rate.upper)})`
    : 'no requests';
  const { latency } = row;
  const times = latency
    ? [latency.p50AtMostUs, latency.p95AtMostUs, latency.p99AtMostUs].map(duration)
    : ['-', '-', '-'];
  return [
    key || '-',
    ...counts,
    interval,
    String(rejected),
    String(fallbacks),
    String(row.runnerRestarts),
    ...times,
  ];
}

function driftLine(key: string, cell: DriftCell): readonly string[] {
  const value = cell.psi === null ? WORDS[cell.state] : cell.psi.toFixed(3);
  const shares = [cell.missing, cell.nonFinite, cell.outOfRange].map(percent);
  return [key || '-', cell.feature, value, String(cell.samples), ...shares];
}

const WORDS: Readonly<Record<DriftCell['state'], string>> = {
  noData: 'no data',
  tooFew: 'too few values',
  notComparable: 'other bins',
  measured: '-',
};

const percent = (share: number | null): string => (share === null ? '-' : `${(100 * share).toFixed(1)} %`);
const digits = (value: number): string => value.toPrecision(2).replace(/^0\.0+$/, '0');
const duration = (us: number | null): string =>
  us === null ? '> 2.5 s' : us < 1_000 ? `<= ${us} us` : `<= ${us / 1_000} ms`;
