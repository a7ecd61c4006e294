import { CodedError } from '@ringfleet/shared/errors';
import type { BundleFile } from '@ringfleet/shared/trust';
import { type ExportRequest, exportBundle, megabytes } from './bundle-export.ts';
import { resultFiles } from './bundle-folder.ts';
import type { CliContext, RegisterCommands } from './context.ts';
import { collect, durationOption } from './operate-arguments.ts';
import { table } from './output.ts';

interface ExportFlags {
  readonly device?: readonly string[];
  readonly selector?: string;
  readonly out: string;
  readonly expires: string;
}

interface Taken {
  readonly device: string;
  readonly reports: number;
  readonly quarantined: number;
  readonly waiting: number;
}

/** What is carried on a stick to devices without a network. */
export const registerBundleCommands: RegisterCommands = (program, context) => {
  const bundle = program.command('bundle').description('sticks for devices without a network');

  bundle
    .command('export')
    .description('write metadata, assignments and artifacts for devices to a folder')
    .option('--device <id>', 'for this device; may be given again', collect)
    .option('--selector <selector>', 'for the devices whose labels match, like site=mine-4')
    .requiredOption(
      '--out <dir>',
      'a folder, on the stick for instance; run again, it goes on where it broke off',
    )
    .option('--expires <duration>', 'how long devices take it, 90d at most', '30d')
    .action(async ({ device = [], selector, out, expires }: ExportFlags) => {
      const cli = context();
      const lifeMs = durationOption('--expires', expires);
      const request = { devices: device, selector: selector ?? null, lifeMs };
      if (device.length === 0 && selector === undefined) throw new CodedError('BUNDLE_EMPTY');
      if (cli.dryRun) return printPlan(cli, request);
      const done = await exportBundle(cli, request, out);
      const until = new Date(done.expiresAtMs).toISOString().slice(0, 10);
      cli.print(
        { out, ...done },
        [
          `${out} holds bundle ${done.version} for ${done.devices.join(', ')}: ${done.files} files, ${megabytes(done.bytes)}, ${done.downloaded} of them fetched now.`,
          `Devices take it until ${until}. At each of them: ringfleet-agent import DIR`,
        ].join('\n'),
      );
    });

  bundle
    .command('results')
    .argument('<dir>', 'the folder that was at the devices')
    .description('take in what devices wrote to a stick; doing it again changes nothing')
    .action(async (dir: string) => {
      const cli = context();
      const taken: Taken[] = [];
      for (const { name, text } of await resultFiles(dir)) {
        cli.progress(`sending ${name}`);
        const options = { contentType: 'application/json' };
        taken.push((await cli.request('POST', 'bundles/results', text, options)) as Taken);
      }
      const headers = ['DEVICE', 'REPORTS', 'KEPT ASIDE', 'STILL WAITING'];
      const rows = taken.map((one) => [one.device, one.reports, one.quarantined, one.waiting].map(String));
      cli.print(taken, table(headers, rows));
    });
};

async function printPlan(cli: CliContext, { devices, selector }: ExportRequest): Promise<void> {
  const query = new URLSearchParams({
    ...(devices.length > 0 ? { devices: devices.join(',') } : {}),
    ...(selector === null ? {} : { selector }),
  });
  const plan = (await cli.request('GET', `bundles/plan?${query}`)) as {
    devices: readonly string[];
    artifacts: readonly BundleFile[];
  };
  const bytes = plan.artifacts.reduce((sum, { length }) => sum + length, 0);
  cli.print(
    { ...plan, bytes },
    `would write a bundle for ${plan.devices.join(', ')}: ${plan.artifacts.length} artifacts, ${megabytes(bytes)}`,
  );
}
