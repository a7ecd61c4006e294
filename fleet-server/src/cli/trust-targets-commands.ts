import { CodedError } from '@ringfleet/shared/errors';
import { Name } from '@ringfleet/shared/protocol';
import { buildTargets, type TargetsContent } from '@ringfleet/shared/trust';
import type { Command } from 'commander';
import { Check } from 'typebox/value';
import type { CliContext } from './context.ts';
import { delegated, renewedTargets } from './trust-changes.ts';
import { makeDraft } from './trust-draft.ts';
import { TrustFolder } from './trust-folder.ts';
import { readPublicKey } from './trust-key.ts';
import { DIR, EXPIRES, expiresAt, type FolderFlags, PASSPHRASE, passphraseFlag } from './trust-options.ts';
import { report } from './trust-report.ts';
import { registerSign } from './trust-sign-commands.ts';
import { type SigningFlags, startDraft } from './trust-signing.ts';

/** `ringfleet trust delegate` and `trust targets renew|sign`. */
export function registerTargets(trust: Command, context: () => CliContext): void {
  trust
    .command('delegate')
    .description('say which keys speak for a model, and how many of them must')
    .requiredOption(...DIR)
    .requiredOption('--model <name>', 'the model')
    .requiredOption('--key <pub...>', 'all keys of its publishers (NAME.pub.json)')
    .requiredOption('--threshold <k>', 'how many of them must sign a release', Number)
    .option(...EXPIRES)
    .option(...PASSPHRASE)
    .action(async (flags: DelegateFlags) => {
      if (!Check(Name, flags.model))
        throw new CodedError('USAGE_INVALID', `${JSON.stringify(flags.model)} cannot be the name of a model`);
      const folder = new TrustFolder(flags.dir);
      const keys = await Promise.all(flags.key.map(readPublicKey));
      const { targets } = await folder.lastTargets();
      const role = { keys, threshold: flags.threshold };
      const content = delegated(targets, flags.model, role, expiresAt(flags.expires));
      const cli = context();
      if (!cli.dryRun) await folder.keepPublicKeys(flags.key);
      await draftTargets(cli, folder, content, passphraseFlag(flags));
    });
  const targets = trust.command('targets').description('The targets role: who speaks for which model.');
  targets
    .command('renew')
    .description('sign the delegations again, with a later date')
    .requiredOption(...DIR)
    .option(...EXPIRES)
    .option(...PASSPHRASE)
    .action(async (flags: FolderFlags) => {
      const folder = new TrustFolder(flags.dir);
      const { targets: last } = await folder.lastTargets();
      await draftTargets(
        context(),
        folder,
        renewedTargets(last, expiresAt(flags.expires)),
        passphraseFlag(flags),
      );
    });
  registerSign(
    targets.command('sign <draft>').description('add one signature to a draft of targets'),
    context,
  );
}

/** Puts the next targets role on its way. */
export async function draftTargets(
  cli: CliContext,
  folder: TrustFolder,
  content: TargetsContent,
  flags: SigningFlags,
): Promise<void> {
  await folder.expectNoDraft('targets');
  const { text } = await folder.newestRoot();
  const outcome = await startDraft(cli, folder, makeDraft('targets', buildTargets(content), text), flags);
  await report(cli, folder, outcome);
}

interface DelegateFlags {
  readonly dir: string;
  readonly model: string;
  readonly key: readonly string[];
  readonly threshold: number;
  readonly expires: string;
  readonly passphraseFile?: string;
}
