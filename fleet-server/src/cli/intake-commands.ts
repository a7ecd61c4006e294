import type { QuarantinedReport, ReportGap, ReportTally, TallyOfFleet } from '../ports/intake.ts';
import type { RegisterCommands } from './context.ts';
import { wholeNumberOption } from './operate-arguments.ts';
import { table } from './output.ts';

/** What `devices/ID/intake` answers. */
export interface DeviceIntake {
  readonly tallies: readonly (ReportTally & { readonly remedy: string })[];
  readonly gaps: readonly ReportGap[];
}

interface Flags {
  readonly device?: string;
  readonly code?: string;
  readonly limit: string;
}

/** What came from devices and was not as it should be. */
export const registerIntakeCommands: RegisterCommands = (program, context) => {
  program
    .command('quarantine')
    .description(
      'reports that were kept aside, dropped, missing or slowed down: how many, why, and the newest',
    )
    .option('--device <id>', 'only those of one device')
    .option('--code <code>', 'only those kept aside for this reason')
    .option('--limit <n>', 'how many of the newest are listed', '20')
    .action(async ({ device, code, limit }: Flags) => {
      const cli = context();
      const query = new URLSearchParams({
        limit: String(wholeNumberOption('--limit', limit)),
        ...(device === undefined ? {} : { device }),
        ...(code === undefined ? {} : { code }),
      });
      const kept = (await cli.request('GET', `quarantine?${query}`)) as {
        items: readonly QuarantinedReport[];
      };
      if (device === undefined) {
        const fleet = (await cli.request('GET', 'intake')) as { tallies: readonly TallyOfFleet[] };
        const rows = fleet.tallies.map((one) => [
          one.code,
          `${one.count}`,
          `${one.devices}`,
          timeOf(one.lastAtMs),
        ]);
        const counted = rows.length === 0 ? NOTHING : table(['CODE', 'REPORTS', 'DEVICES', 'LAST'], rows);
        cli.print({ ...fleet, ...kept }, [counted, ...listOf(kept.items)].join('\n\n'));
        return;
      }
      const own = (await cli.request('GET', `devices/${encodeURIComponent(device)}/intake`)) as DeviceIntake;
      const lines = intakeLines(own);
      const counted = lines.length === 0 ? NOTHING : lines.join('\n');
      cli.print({ ...own, ...kept }, [counted, ...listOf(kept.items)].join('\n\n'));
    });
};

/** For `device show`: a line for each kind of trouble, none where there is none. */
export function intakeLines({ tallies, gaps }: DeviceIntake): readonly string[] {
  return [
    ...tallies.map(
      ({ code, count, lastAtMs, reason, remedy }) =>
        `reports: ${count} x ${code}, last at ${timeOf(lastAtMs)}: ${reason}${remedy ? `\n  ${remedy}` : ''}`,
    ),
    ...gaps.map(
      ({ stream, start, fromSeq, missing }) =>
        `reports: ${missing} of ${stream} are missing from number ${fromSeq} of start ${start} on; later ones are here`,
    ),
  ];
}

const NOTHING = 'Nothing was wrong with any report.';

const listOf = (items: readonly QuarantinedReport[]): readonly string[] =>
  items.length === 0
    ? []
    : [
        table(
          ['RECEIVED', 'DEVICE', 'REPORT', 'CODE', 'REASON'],
          items.map(({ receivedAtMs, device, stream, start, seq, code, reason }) => [
            timeOf(receivedAtMs),
            device,
            `${stream} ${start}/${seq}`,
            code,
            reason,
          ]),
        ),
      ];

const timeOf = (atMs: number): string => new Date(atMs).toISOString();
