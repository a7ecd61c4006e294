import { CodedError } from '@ringfleet/shared/errors';
import { Name } from '@ringfleet/shared/protocol';
import { Check } from 'typebox/value';
import type { RegisterCommands } from './context.ts';
import { passphraseOf } from './passphrase.ts';
import { registerCeremony } from './trust-ceremony-commands.ts';
import { TrustFolder } from './trust-folder.ts';
import { initTrust } from './trust-init.ts';
import { DEVELOPMENT_WARNING, publishTrust } from './trust-publish.ts';
import { registerStatus } from './trust-status-command.ts';

interface InitFlags {
  readonly dir: string;
  readonly model: readonly string[];
  readonly onlineKey: string;
  readonly passphraseFile?: string;
}

/** `ringfleet trust …`: the first folder, publishing, and the verbs of the ceremony. */
export const registerTrustCommands: RegisterCommands = (program, context) => {
  const trust = program.command('trust').description('keys and roles: who may sign what');
  trust
    .command('init')
    .description('make a development root: one key per role, on this machine')
    .requiredOption('--dir <dir>', 'new folder for keys and metadata')
    .requiredOption('--model <name...>', 'models that get a publisher key')
    .requiredOption('--online-key <file>', "the server's online.pub.json")
    .option('--passphrase-file <file>', 'first line locks the keys (or RINGFLEET_KEY_PASSPHRASE)')
    .action(async (flags: InitFlags) => {
      const cli = context();
      for (const model of flags.model) checkModelName(model);
      const passphrase = await passphraseOf(cli, { ...flags, isNew: true });
      cli.progress('making keys');
      const keyIds = await initTrust({
        dir: flags.dir,
        models: [...new Set(flags.model)],
        onlineKeyFile: flags.onlineKey,
        passphrase,
        nowMs: Date.now(),
      });
      cli.progress(DEVELOPMENT_WARNING);
      const lines = Object.entries(keyIds).map(([name, keyid]) => `  ${name}: ${keyid}`);
      cli.print(
        { dir: flags.dir, isDevelopment: true, keyIds },
        `Development root in ${flags.dir}\n${lines.join('\n')}\nNext: ringfleet trust publish --dir ${flags.dir}`,
      );
    });
  trust
    .command('publish')
    .description('send root and targets to the server')
    .requiredOption('--dir <dir>', 'folder that `trust init` made')
    .action(async (flags: { dir: string }) => {
      const cli = context();
      const sent = await publishTrust(cli, new TrustFolder(flags.dir));
      cli.print(
        { sent },
        sent.length === 0 ? 'The server has it all already.' : `Published ${sent.join(', ')}.`,
      );
    });
  registerCeremony(trust, context);
  registerStatus(trust, context);
  trust
    .command('show')
    .description('show what the server trusts')
    .action(async () => {
      const cli = context();
      const shown = await cli.request('GET', 'trust');
      cli.print(shown, JSON.stringify(shown, null, 2));
    });
};

/** Key files are named after models, so these three would meet keys of another role. */
const RESERVED = ['root', 'targets', 'online'];

function checkModelName(model: string): void {
  if (Check(Name, model) && !RESERVED.includes(model)) return;
  throw new CodedError('USAGE_INVALID', `${JSON.stringify(model)} cannot be the name of a model`, {
    at: '--model',
  });
}
