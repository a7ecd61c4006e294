import { parseArgs } from 'node:util';
import { CATALOG, CodedError, type ErrorCode, errorText } from '@ringfleet/shared/errors';
import { DEFAULTS } from './config.ts';

export type Cli =
  | { readonly verb: 'help' | 'version' }
  | { readonly verb: 'serve' | 'score'; readonly args: readonly string[] }
  | { readonly verb: 'run'; readonly stateDir: string; readonly config?: string }
  | {
      readonly verb: 'enroll';
      readonly stateDir: string;
      readonly tokenFile: string;
      readonly id?: string;
      readonly isJson: boolean;
    }
  | { readonly verb: 'providers'; readonly config?: string; readonly isJson: boolean }
  | { readonly verb: 'reset'; readonly stateDir: string }
  | { readonly verb: 'status'; readonly stateDir: string; readonly isJson: boolean };

export const HELP = `ringfleet-agent: runs models on this device and keeps them up to date.

  ringfleet-agent enroll --token-file FILE [--id ID]   make this device known to its fleet server
  ringfleet-agent run [--config FILE]                  the service
  ringfleet-agent status [--json]                      what the running agent is doing
  ringfleet-agent providers [--json]                   what can run models here, and what is missing
  ringfleet-agent reset --yes                          erase identity, models and reports of this device
  ringfleet-agent serve [--http N] PATH…               serve model files without any fleet
  ringfleet-agent score --model NAME --input FILE --output FILE.jsonl
                                                       one answer per row of a .csv, .jsonl or .npy file

  --token-file FILE  holds the line that \`ringfleet token create\` printed
  --id ID            this device's name in the fleet; else the agent makes one up that nobody else has
  --state-dir DIR    where the agent keeps everything; else $STATE_DIRECTORY, else /var/lib/ringfleet-agent
  --config FILE      agent.yaml; else /etc/ringfleet/agent.yaml where there is one
  --json             print JSON on stdout
  --help, --version

RINGFLEET_AGENT__SECTION__KEY in the environment overrides the file. Sections and keys, with their defaults:
${keyLines()}

Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 refused by trust, 4 unreachable, 5 conflict.
`;

function keyLines(): string {
  return Object.entries(DEFAULTS)
    .map(([name, keys]) => {
      const shown = Object.entries(keys).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
      return `  ${name.padEnd(8)}${shown.join(', ')}`;
    })
    .join('\n');
}

/** Reads the command line. Throws USAGE_INVALID. */
export function parseCli(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Cli {
  // Its options are its own: a first try needs no fleet and no state folder.
  if (args[0] === 'serve' || args[0] === 'score') return { verb: args[0], args: args.slice(1) };
  const { values, positionals } = read(args);
  if (values.help || (args.length === 0 && !values.version)) return { verb: 'help' };
  if (values.version) return { verb: 'version' };
  const [verb, ...more] = positionals;
  if (more.length > 0) throw new CodedError('USAGE_INVALID', `what is "${more[0]}"?`);
  const stateDir = values['state-dir'] ?? env['STATE_DIRECTORY']?.split(':')[0] ?? '/var/lib/ringfleet-agent';
  const isJson = values.json === true;
  switch (verb) {
    case 'providers':
      return { verb, isJson, ...(values.config === undefined ? {} : { config: values.config }) };
    case 'run':
      return { verb, stateDir, ...(values.config === undefined ? {} : { config: values.config }) };
    case 'reset':
      if (!values.yes) {
        throw new CodedError('USAGE_INVALID', `reset erases all of ${stateDir}; add --yes to do it`);
      }
      return { verb, stateDir };
    case 'status':
      return { verb, stateDir, isJson };
    case 'enroll': {
      const tokenFile = values['token-file'];
      if (tokenFile === undefined) throw new CodedError('USAGE_INVALID', 'enroll needs --token-file FILE');
      const { id } = values;
      if (id !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
        throw new CodedError('USAGE_INVALID', '--id must be 1 to 64 letters, digits, _ or -', { at: '--id' });
      }
      return { verb, stateDir, tokenFile, isJson, ...(id === undefined ? {} : { id }) };
    }
    default:
      throw new CodedError(
        'USAGE_INVALID',
        verb === undefined ? 'a verb is missing' : `there is no verb "${verb}"`,
      );
  }
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'state-dir': { type: 'string' },
        config: { type: 'string' },
        'token-file': { type: 'string' },
        id: { type: 'string' },
        json: { type: 'boolean' },
        yes: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw new CodedError('USAGE_INVALID', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** DESIGN §12 "exit codes". */
export function exitCodeOf(err: unknown): number {
  if (!(err instanceof CodedError)) return 1;
  const byCode: Partial<Record<ErrorCode, number>> = {
    PORT_IN_USE: 2,
    NOT_ENROLLED: 2,
    AGENT_NOT_RUNNING: 4,
    SERVER_UNREACHABLE: 4,
    STATE_DIR_IN_USE: 5,
  };
  const special = byCode[err.code];
  if (special !== undefined) return special;
  switch (CATALOG[err.code].class) {
    case 'INPUT':
      return 2;
    case 'TRUST':
      return 3;
    case 'SITE':
      return 4;
    case 'CONFLICT':
      return 5;
    default:
      return 1;
  }
}

/** Sentence, remedy, code: what a person at the device needs. */
export function explain(err: unknown): string {
  if (err instanceof CodedError) return errorText(err);
  const what = err instanceof Error ? (err.stack ?? err.message) : String(err);
  return `${what}\n${errorText(new CodedError('AGENT_INTERNAL'))}`;
}
