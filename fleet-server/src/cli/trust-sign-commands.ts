import { dirname } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { passphraseOf } from './passphrase.ts';
import { describeDraft } from './trust-describe.ts';
import { isComplete, mergeDrafts, readDraft, signDraft, writeDraft } from './trust-draft.ts';
import { folderOfDraft, TrustFolder } from './trust-folder.ts';
import { openSigner } from './trust-key.ts';
import { keyNamesIn } from './trust-key-names.ts';
import { DIR, PASSPHRASE } from './trust-options.ts';
import { report } from './trust-report.ts';
import { outcomeOf, type SigningFlags, settle, signingLines } from './trust-signing.ts';

/** Makes a command add one signature to a draft, on the machine of whoever signs. */
export function registerSign(command: Command, context: () => CliContext): void {
  command
    .requiredOption('--key <file>', 'your NAME.key.json')
    .option(...PASSPHRASE)
    .action(async (path: string, flags: SigningFlags & { key: string }) => {
      const cli = context();
      const draft = await readDraft(path);
      const folder = await folderOfDraft(path);
      const names = await (folder?.keyNames() ?? keyNamesIn(dirname(flags.key)));
      for (const line of ['You are about to sign:', ...describeDraft(draft, names)]) cli.progress(line);
      const signer = await openSigner(flags.key, await passphraseOf(cli, flags));
      const signed = signDraft(draft, signer);
      if (cli.dryRun) return cli.print(outcomeOf(signed, null), 'Nothing was written (--dry-run).');
      if (folder) return await report(cli, folder, await settle(folder, signed));
      await writeDraft(path, signed);
      const outcome = outcomeOf(signed, path);
      const next = isComplete(signed)
        ? `All signatures are there. Take ${path} back to its folder: ringfleet trust accept ${path} --dir DIR`
        : `Hand ${path} to the next signer: ringfleet trust sign ${path} --key KEYFILE`;
      cli.print(
        outcome,
        [`Signed with ${signer.keyid.slice(0, 16)}.`, ...signingLines(outcome, names), next].join('\n'),
      );
    });
}

/** `ringfleet trust accept`: what came back by hand. */
export function registerAccept(trust: Command, context: () => CliContext): void {
  trust
    .command('accept <draft...>')
    .description('take signed copies of a draft back into the folder it came from')
    .requiredOption(...DIR)
    .action(async (paths: string[], flags: { dir: string }) => {
      const folder = new TrustFolder(flags.dir);
      const [first, ...more] = await Promise.all(paths.map(readDraft));
      if (!first) throw new CodedError('USAGE_INVALID', 'name a draft');
      const own = await folder.draftOf(first.role);
      const merged = mergeDrafts(own ? [own.draft, first, ...more] : [first, ...more]);
      const cli = context();
      await report(cli, folder, cli.dryRun ? outcomeOf(merged, null) : await settle(folder, merged));
    });
}
