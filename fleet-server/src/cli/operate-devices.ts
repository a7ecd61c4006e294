import type { DeviceView } from '../core/device-view.ts';
import type { RegisterCommands } from './context.ts';
import { type DeviceIntake, intakeLines } from './intake-commands.ts';
import { type MachineAnswer, machineLines } from './machine-lines.ts';
import { allItems, collect, durationOption, labelOptions, wholeNumberOption } from './operate-arguments.ts';
import { registerEnrollmentCommands } from './operate-enrollments.ts';
import { registerHoldCommands } from './operate-holds.ts';
import { registerIdentityCommands } from './operate-identities.ts';
import { table } from './output.ts';

interface TokenFlags {
  readonly label?: readonly string[];
  readonly uses: string;
  readonly expires: string;
  readonly approval?: boolean;
}

export const registerDeviceCommands: RegisterCommands = (program, context) => {
  const device = program.command('device').description('the devices of the fleet');

  device
    .command('list')
    .description('devices with ring, what they run and what holds them up')
    .option('--ring <name>', 'only those of one ring')
    .option('--search <text>', 'only those whose id or labels contain this')
    .action(async (flags: { ring?: string; search?: string }) => {
      const cli = context();
      const devices = await allItems<DeviceView>(cli, `devices?${new URLSearchParams({ ...flags })}`);
      const headers = ['DEVICE', 'RING', 'CONNECTED', 'RUNS', 'BLOCKED BY'];
      const rows = devices.map((item) => [
        item.id,
        item.ring ?? '-',
        item.isConnected ? 'yes' : 'no',
        item.models.map(({ model, running }) => `${model}@${running?.version ?? '-'}`).join(' ') || '-',
        item.models.flatMap(({ blockedBy }) => (blockedBy ? [blockedBy.code] : [])).join(' '),
      ]);
      cli.print(devices, devices.length === 0 ? 'No devices found.' : table(headers, rows));
    });

  device
    .command('show')
    .argument('<id>')
    .description('one device and the whole chain of reasons')
    .action(async (id: string) => {
      const cli = context();
      const path = `devices/${encodeURIComponent(id)}`;
      const found = (await cli.request('GET', path)) as DeviceView;
      const intake = (await cli.request('GET', `${path}/intake`)) as DeviceIntake;
      const seen = (await cli.request('GET', `${path}/machine`)) as MachineAnswer;
      const { tallies, gaps } = intake;
      const lines = [textOf(found), ...machineLines(seen), ...intakeLines(intake)];
      cli.print({ ...found, intake: { tallies, gaps }, machine: seen.machine }, lines.join('\n'));
    });

  registerHoldCommands(device, context);
  registerIdentityCommands(device, context);
  registerEnrollmentCommands(device, context);

  program
    .command('token')
    .description('tokens that admit devices')
    .command('create')
    .argument('<name>')
    .description('make an enrollment token; it is printed this once')
    .option('--label <key=value>', 'label of every device that enrolls with it', collect)
    .option('--uses <n>', 'how many devices it admits', '1')
    .option('--expires <duration>', 'how long it admits them', '24h')
    .option('--approval', 'every device that comes with it waits for `device approve`')
    .action(async (name: string, flags: TokenFlags) => {
      const cli = context();
      const made = (await cli.request('POST', 'tokens/enrollment', {
        name,
        labels: labelOptions(flags.label ?? []),
        uses: wholeNumberOption('--uses', flags.uses),
        expiresInMs: durationOption('--expires', flags.expires),
        ...(flags.approval ? { approval: true } : {}),
      })) as { token: string; install?: string };
      if (made.install) cli.progress(`on the device, with this token in a file:\n  ${made.install}`);
      // Alone on stdout, so that it can go into a file.
      cli.print(made, made.token);
    });
};

function textOf(device: DeviceView): string {
  const { id, ring, rings, labels, status, generation, acceptedGeneration, models } = device;
  const contact = !device.isConnected
    ? 'not connected'
    : device.via === 'http'
      ? 'connected by HTTP only'
      : 'connected';
  const others = rings.length > 1 ? ` (also claimed by ${rings.slice(1).join(', ')})` : '';
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return [
    `${id}: ${status}, ${contact}`,
    `ring: ${ring ?? 'none'}${others}`,
    `labels: ${pairs.join(', ') || 'none'}`,
    ...(device.hold ? [`held by ${device.hold.by}: ${device.hold.reason}`] : []),
    `assignment: generation ${generation}, the device accepted ${acceptedGeneration}`,
    ...models.flatMap(modelLines),
  ].join('\n');
}

function termLines(terms: NonNullable<DeviceView['models'][number]['desired']>['terms']): readonly string[] {
  const words = Object.entries(terms ?? {}).map(([name, value]) =>
    value === true ? name : `${name} ${termWords(value)}`,
  );
  return words.length === 0 ? [] : [`  terms: ${words.join(', ')}`];
}

const termWords = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? `(${Object.entries(value)
        .map(([name, one]) => `${name} ${one}`)
        .join(', ')})`
    : String(value);

const untilWords = (untilMs: number | undefined): string =>
  untilMs === undefined ? '' : ` It goes on at ${new Date(untilMs).toISOString()}.`;

function modelLines(model: DeviceView['models'][number]): readonly string[] {
  const { running, desired, phase, isCommitted, isProven, failure, blockedBy } = model;
  const standing = isProven ? 'proven' : isCommitted ? 'committed' : phase;
  const source = desired?.rollout ? ` by rollout ${desired.rollout}` : '';
  return [
    `model ${model.model}: runs ${running ? `${running.version} (${running.variant}, ${standing})` : 'nothing'}; should run ${desired?.version ?? 'nothing'}${source}`,
    ...termLines(desired?.terms ?? null),
    ...(failure ? [`  last failure: ${failure.code} in ${failure.phase}: ${failure.reason}`] : []),
    ...(blockedBy ? [`  ${blockedBy.code}: ${blockedBy.sentence}${untilWords(blockedBy.untilMs)}`] : []),
  ];
}
