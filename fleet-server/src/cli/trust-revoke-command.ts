import { CodedError } from '@ringfleet/shared/errors';
import { buildRoot, keyIdOf } from '@ringfleet/shared/trust';
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { rootWithout, targetsWithout } from './trust-changes.ts';
import { makeDraft } from './trust-draft.ts';
import { TrustFolder } from './trust-folder.ts';
import { readPublicKey } from './trust-key.ts';
import { DIR, EXPIRES, expiresAt, type FolderFlags, PASSPHRASE, passphraseFlag } from './trust-options.ts';
import { report } from './trust-report.ts';
import { outcomeOf } from './trust-signing.ts';
import { draftTargets } from './trust-targets-commands.ts';

/** `ringfleet trust revoke`. */
export function registerRevoke(trust: Command, context: () => CliContext): void {
  trust
    .command('revoke')
    .description('take a key out of every role; what runs goes on, nothing new installs with it')
    .requiredOption(...DIR)
    .requiredOption('--key <key>', 'key id, or NAME.pub.json')
    .option(...EXPIRES)
    .option(...PASSPHRASE)
    .action(async (flags: FolderFlags & { key: string }) => {
      const keyid = /^[0-9a-f]{64}$/.test(flags.key) ? flags.key : keyIdOf(await readPublicKey(flags.key));
      await revoke(context(), new TrustFolder(flags.dir), keyid, flags);
    });
}

async function revoke(
  cli: CliContext,
  folder: TrustFolder,
  keyid: string,
  flags: FolderFlags,
): Promise<void> {
  const expires = expiresAt(flags.expires);
  const { root } = await folder.newestRoot();
  const { targets } = await folder.lastTargets();
  const nextTargets = targetsWithout(targets, keyid, expires);
  const nextRoot = rootWithout(root, keyid, expires);
  if (nextRoot === null && nextTargets === null) throw new CodedError('KEY_NOT_IN_USE', keyid);
  if (nextRoot !== null) {
    await folder.expectNoDraft('root');
    const { text } = await folder.newestRoot();
    const draft = makeDraft('root', buildRoot(nextRoot), text);
    const outcome = outcomeOf(draft, cli.dryRun ? null : await folder.keepDraft(draft));
    cli.progress(
      nextTargets === null
        ? `Once the new root is in force, run: ringfleet trust targets renew --dir ${folder.path} (if this key signed targets)`
        : 'Once the new root is in force, run this again: the key speaks for models too.',
    );
    return await report(cli, folder, outcome);
  }
  if (nextTargets === null) return;
  const again = nextTargets.models.map((model) => `ringfleet release renew ${model} --trust ${folder.path}`);
  cli.progress(
    `What the key signed must be signed by the others again, once targets are in force:\n  ${again.join('\n  ')}`,
  );
  await draftTargets(cli, folder, nextTargets.content, passphraseFlag(flags));
}
