import { CodedError } from '@ringfleet/shared/errors';
import { Name } from '@ringfleet/shared/protocol';
import type { Command } from 'commander';
import { Check } from 'typebox/value';
import type { CliContext } from './context.ts';
import { passphraseOf } from './passphrase.ts';
import { createKey } from './trust-key.ts';
import { PASSPHRASE } from './trust-options.ts';
import { registerRevoke } from './trust-revoke-command.ts';
import { registerRoot } from './trust-root-commands.ts';
import { registerAccept, registerSign } from './trust-sign-commands.ts';
import { registerTargets } from './trust-targets-commands.ts';
import { registerWipe } from './trust-wipe-commands.ts';

/** The verbs of the key ceremony: all of them work offline, on files. */
export function registerCeremony(trust: Command, context: () => CliContext): void {
  registerKeys(trust, context);
  registerRoot(trust, context);
  registerTargets(trust, context);
  registerRevoke(trust, context);
  registerSign(trust.command('sign <draft>').description('add one signature to any draft'), context);
  registerAccept(trust, context);
  registerWipe(trust, context);
}

function registerKeys(trust: Command, context: () => CliContext): void {
  trust
    .command('key')
    .description('Keys of people who sign.')
    .command('create <name>')
    .description('make NAME.key.json (locked with a passphrase) and NAME.pub.json')
    .requiredOption('--dir <dir>', 'where both files go')
    .option(...PASSPHRASE)
    .action(async (name: string, flags: { dir: string; passphraseFile?: string }) => {
      const cli = context();
      if (!Check(Name, name))
        throw new CodedError('USAGE_INVALID', `${JSON.stringify(name)} is no name for a key`);
      const { keyid } = await createKey(flags.dir, name, await passphraseOf(cli, { ...flags, isNew: true }));
      cli.print(
        { name, keyid, dir: flags.dir },
        `${keyid}\nKeep ${name}.key.json and its passphrase; hand over ${name}.pub.json and read the key id to its receiver.`,
      );
    });
}
