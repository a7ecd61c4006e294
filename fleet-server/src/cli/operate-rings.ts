import { CodedError } from '@ringfleet/shared/errors';
import { formatShare } from '../core/share.ts';
import { count } from '../core/wording.ts';
import type { RegisterCommands } from './context.ts';
import {
  allItems,
  collect,
  durationOption,
  releaseArgument,
  shareOption,
  wholeNumberOption,
  yamlFile,
} from './operate-arguments.ts';
import { table } from './output.ts';

interface RingAnswer {
  readonly name: string;
  readonly ordinal: number;
  readonly selector: string | null;
  readonly devices: readonly string[];
  readonly shareBasisPoints: number | null;
  readonly members: number;
  readonly connected: number;
  readonly assignments: readonly { readonly model: string; readonly version: string }[];
}
interface TermFlags {
  readonly order?: string;
  readonly selector?: string;
  readonly share?: string;
  readonly device?: readonly string[];
}
interface SoakFlags {
  readonly soak?: string;
  readonly minInferences?: string;
  readonly soakDeadline?: string;
}
interface TermsFlags {
  readonly terms?: string;
  readonly hold?: boolean;
  readonly urgent?: boolean;
}

export const registerRingCommands: RegisterCommands = (program, context) => {
  const ring = program.command('ring').description('named, lasting, ordered stages of the fleet');

  ring
    .command('list')
    .description('rings in their order, with members and what they run')
    .action(async () => {
      const cli = context();
      const rings = await allItems<RingAnswer>(cli, 'rings');
      const headers = ['ORDER', 'RING', 'DEVICES', 'CONNECTED', 'TAKES', 'RUNS'];
      const rows = rings.map((item) => [
        String(item.ordinal),
        item.name,
        String(item.members),
        String(item.connected),
        takes(item),
        item.assignments.map(({ model, version }) => `${model}@${version}`).join(' ') || '-',
      ]);
      cli.print(
        rings,
        rings.length === 0 ? 'No rings yet: make one with `ringfleet ring set`.' : table(headers, rows),
      );
    });

  ring
    .command('set')
    .argument('<name>')
    .description('create or replace a ring')
    .requiredOption('--order <n>', 'place among the rings, lowest first')
    .option('--selector <selector>', "Kubernetes' label selector: site=a,fact.arch in (arm64)")
    .option('--share <percent>', 'only this share of those that earlier rings left, like 10%')
    .option('--device <id>', 'an explicit member; may be given several times', collect)
    .action(async (name: string, flags: TermFlags) => {
      const cli = context();
      const body = {
        ordinal: wholeNumberOption('--order', flags.order ?? ''),
        selector: flags.selector ?? null,
        shareBasisPoints: shareOption(flags.share),
        devices: flags.device ?? [],
      };
      const made = (await cli.request('PUT', `rings/${encodeURIComponent(name)}`, body)) as RingAnswer;
      cli.print(
        made,
        `Ring ${made.name} takes ${takes(made)}: ${count(made.members, 'device')} now, ${made.connected} connected.`,
      );
    });

  ring
    .command('preview')
    .description('who would be in a ring of these terms, and where those devices are today')
    .option('--order <n>', 'place among the rings', '0')
    .option('--selector <selector>', "Kubernetes' label selector")
    .option('--share <percent>', 'only this share of those that earlier rings left')
    .option('--device <id>', 'an explicit member', collect)
    .action(async (flags: TermFlags) => {
      const cli = context();
      const query = new URLSearchParams({
        ordinal: String(wholeNumberOption('--order', flags.order ?? '0')),
      });
      if (flags.selector !== undefined) query.set('selector', flags.selector);
      const share = shareOption(flags.share);
      if (share !== null) query.set('shareBasisPoints', String(share));
      if (flags.device) query.set('devices', flags.device.join(','));
      const preview = (await cli.request('GET', `rings/preview?${query}`)) as PreviewAnswer;
      const rows = preview.devices.map((found) => [
        found.id,
        found.ring ?? '-',
        found.isConnected ? 'yes' : 'no',
        Object.entries(found.labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
      ]);
      cli.print(
        preview,
        `${table(['DEVICE', 'RING NOW', 'CONNECTED', 'LABELS'], rows)}\n${preview.sentence}`,
      );
    });

  ring
    .command('assign')
    .argument('<ring>')
    .argument('<model@version>')
    .description('give a ring a release at once, without gates')
    .option('--soak <duration>', 'how long devices watch it before they commit')
    .option('--min-inferences <n>', 'requests they want to see meanwhile')
    .option('--soak-deadline <duration>', 'after this they commit without those requests')
    .option('--terms <file>', 'YAML with window, maxBytesPerSecond, shadow, limits, hold, urgent')
    .option('--hold', 'nothing starts or goes live until it is assigned again without this')
    .option('--urgent', 'wait for no maintenance window and no hold of the server')
    .action(async (name: string, release: string, flags: SoakFlags & TermsFlags) => {
      const cli = context();
      const body = { ...releaseArgument(release), ...soakOf(flags), ...termsOf(flags) };
      const made = (await cli.request('POST', `rings/${encodeURIComponent(name)}/assignments`, body)) as {
        sentence: string;
      };
      cli.print(made, made.sentence);
    });
};

interface PreviewAnswer {
  readonly sentence: string;
  readonly devices: readonly {
    readonly id: string;
    readonly ring: string | null;
    readonly isConnected: boolean;
    readonly labels: Readonly<Record<string, string>>;
  }[];
}

function soakOf({ soak, minInferences, soakDeadline }: SoakFlags): object {
  if (soak === undefined && minInferences === undefined && soakDeadline === undefined) return {};
  if (soak !== undefined) durationOption('--soak', soak);
  if (soakDeadline !== undefined) durationOption('--soak-deadline', soakDeadline);
  if (soak === undefined)
    throw new CodedError('USAGE_INVALID', '--min-inferences and --soak-deadline need --soak');
  return {
    soak: {
      for: soak,
      ...(minInferences === undefined
        ? {}
        : { minInferences: wholeNumberOption('--min-inferences', minInferences) }),
      ...(soakDeadline === undefined ? {} : { deadline: soakDeadline }),
    },
  };
}

function termsOf({ terms, hold, urgent }: TermsFlags): object {
  const asked = {
    ...(terms === undefined ? {} : (yamlFile(terms) as object)),
    ...(hold ? { hold } : {}),
    ...(urgent ? { urgent } : {}),
  };
  return Object.keys(asked).length === 0 ? {} : { terms: asked };
}

function takes({ selector, shareBasisPoints, devices }: RingAnswer): string {
  const parts = [
    ...(devices.length > 0 ? [devices.join(',')] : []),
    ...(shareBasisPoints === null ? [] : [`${formatShare(shareBasisPoints)} of`]),
    ...(selector === null ? (shareBasisPoints === null ? [] : ['all that are left']) : [selector || 'all']),
  ];
  return parts.join(' ') || 'nobody';
}
