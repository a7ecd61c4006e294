import { createInterface } from 'node:readline/promises';
import { CodedError } from '@ringfleet/shared/errors';
import type { CliContext, RegisterCommands } from './context.ts';
import { cliFile, resolveServer, type ServerFlags } from './context-connection.ts';
import { saveProfile } from './login-profile.ts';
import { ask, firstLine } from './passphrase.ts';

interface LoginFlags {
  readonly name?: string;
  readonly passwordFile?: string;
}

/** `ringfleet login`: name and password become a token in cli.yaml; the password is kept nowhere. */
export const registerLoginCommand: RegisterCommands = (program, context) => {
  program
    .command('login')
    .description('sign in; stores a token of 30 days in ~/.config/ringfleet/cli.yaml')
    .option('--name <name>', 'who you are')
    .option('--password-file <file>', 'its first line is the password')
    .action(async (flags: LoginFlags) => {
      const cli = context();
      const server: ServerFlags = program.opts();
      const { url, caFile } = resolveServer(server, cli.env);
      const name = flags.name ?? (await askName(cli));
      const password = await passwordOf(cli, flags);
      const made = (await cli.request(
        'POST',
        'session/token',
        { name, password },
        { isAnonymous: true },
      )) as {
        name: string;
        role: string;
        token: string;
        expiresAtMs: number;
      };
      const file = cliFile(cli.env);
      const profile = await saveProfile(file, server.profile, {
        url: url.origin,
        token: made.token,
        ...(caFile === undefined ? {} : { caFile }),
      });
      const until = new Date(made.expiresAtMs).toISOString().slice(0, 10);
      cli.print(
        { name: made.name, role: made.role, profile, expiresAtMs: made.expiresAtMs },
        `Signed in as ${made.name} (${made.role}) until ${until}; profile ${profile} of ${file}.`,
      );
    });
};

async function askName({ signal }: CliContext): Promise<string> {
  if (!process.stdin.isTTY) throw new CodedError('USAGE_INVALID', 'give --name NAME');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question('Name: ', { signal })).trim();
  } finally {
    terminal.close();
  }
}

async function passwordOf({ env, signal }: CliContext, { passwordFile }: LoginFlags): Promise<string> {
  if (passwordFile !== undefined) return firstLine(passwordFile);
  const given = env['RINGFLEET_PASSWORD'];
  if (given) return given;
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new CodedError('PASSWORD_MISSING');
  return ask('Password: ', signal);
}
