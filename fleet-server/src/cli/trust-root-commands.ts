import { CodedError } from '@ringfleet/shared/errors';
import { buildRoot, type RoleKeys } from '@ringfleet/shared/trust';
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { type RootChange, rotatedRoot } from './trust-changes.ts';
import { makeDraft } from './trust-draft.ts';
import { TrustFolder } from './trust-folder.ts';
import { readPublicKey } from './trust-key.ts';
import { DIR, EXPIRES, expiresAt, type FolderFlags } from './trust-options.ts';
import { report } from './trust-report.ts';
import { registerSign } from './trust-sign-commands.ts';
import { outcomeOf } from './trust-signing.ts';

/** `ringfleet trust root rotate|renew|sign`. */
export function registerRoot(trust: Command, context: () => CliContext): void {
  const root = trust.command('root').description('The root: which keys hold which role.');
  root
    .command('rotate')
    .description('draft the next root with other keys or thresholds')
    .requiredOption(...DIR)
    .option('--root-key <pub...>', 'all keys of the next root (NAME.pub.json)')
    .option('--root-threshold <k>', 'how many of them must sign', Number)
    .option('--targets-key <pub...>', 'all keys of the targets role')
    .option('--targets-threshold <k>', 'how many of them must sign', Number)
    .option('--online-key <pub>', "the server's new online.pub.json")
    .option(...EXPIRES)
    .action(async (flags: RotateFlags) => {
      const online = flags.onlineKey === undefined ? {} : { online: await readPublicKey(flags.onlineKey) };
      const change: RootChange = {
        ...(await roleFlag('root', flags.rootKey, flags.rootThreshold)),
        ...(await roleFlag('targets', flags.targetsKey, flags.targetsThreshold)),
        ...online,
        expires: expiresAt(flags.expires),
      };
      const [cli, folder] = [context(), new TrustFolder(flags.dir)];
      if (!cli.dryRun) await folder.keepPublicKeys([...(flags.rootKey ?? []), ...(flags.targetsKey ?? [])]);
      await draftRoot(cli, folder, change);
    });
  root
    .command('renew')
    .description('draft the next root with the same keys and a later date')
    .requiredOption(...DIR)
    .option(...EXPIRES)
    .action(async (flags: FolderFlags) => {
      await draftRoot(context(), new TrustFolder(flags.dir), { expires: expiresAt(flags.expires) });
    });
  registerSign(root.command('sign <draft>').description('add one signature to the draft of a root'), context);
}

async function draftRoot(cli: CliContext, folder: TrustFolder, change: RootChange): Promise<void> {
  await folder.expectNoDraft('root');
  const { root, text } = await folder.newestRoot();
  const content = rotatedRoot(root, change);
  const draft = makeDraft('root', buildRoot(content), text);
  const outcome = outcomeOf(draft, cli.dryRun ? null : await folder.keepDraft(draft));
  await report(cli, folder, outcome);
}

interface RotateFlags {
  readonly dir: string;
  readonly rootKey?: readonly string[];
  readonly rootThreshold?: number;
  readonly targetsKey?: readonly string[];
  readonly targetsThreshold?: number;
  readonly onlineKey?: string;
  readonly expires: string;
}

async function roleFlag(
  name: 'root' | 'targets',
  files: readonly string[] | undefined,
  threshold: number | undefined,
): Promise<Partial<Record<'root' | 'targets', RoleKeys>>> {
  if (files === undefined && threshold === undefined) return {};
  if (files === undefined || threshold === undefined) {
    throw new CodedError('USAGE_INVALID', `--${name}-key and --${name}-threshold go together`);
  }
  return { [name]: { keys: await Promise.all(files.map(readPublicKey)), threshold } };
}
