import { parseArgs } from 'node:util';
import { CodedError } from '@ringfleet/shared/errors';
import { DEFAULT_CONFIG_FILE } from './config.ts';
import { CONFIG_KEYS } from './config-keys.ts';

interface Place {
  readonly config?: string;
  readonly dataDir?: string;
}

export type ServerCommand =
  | ({ readonly verb: 'run' | 'check' } & Place)
  | ({ readonly verb: 'backup'; readonly folder: string } & Place)
  | ({ readonly verb: 'restore'; readonly folder: string; readonly isReplacing: boolean } & Place)
  | ({ readonly verb: 'doctor'; readonly isDeep: boolean; readonly isJson: boolean } & Place)
  | { readonly verb: 'openapi' | 'help' | 'version' };

/** Reads `ringfleet-server`'s command line; throws USAGE_INVALID. */
export function parseServerArguments(args: readonly string[]): ServerCommand {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (cause) {
    throw new CodedError('USAGE_INVALID', cause instanceof Error ? cause.message : undefined, { cause });
  }
  const { values, positionals } = parsed;
  const [verb = 'run', ...rest] = positionals;
  if (values.help) return { verb: 'help' };
  if (values.version) return { verb: 'version' };
  const place = {
    ...(values.config === undefined ? {} : { config: values.config }),
    ...(values['data-dir'] === undefined ? {} : { dataDir: values['data-dir'] }),
  };
  const [folder, ...more] = rest;
  if (verb === 'backup' || verb === 'restore') {
    if (folder === undefined || more.length > 0)
      throw new CodedError('USAGE_INVALID', `name one folder: ringfleet-server ${verb} FOLDER`);
    return verb === 'backup'
      ? { verb, folder, ...place }
      : { verb, folder, isReplacing: values.replace === true, ...place };
  }
  if (rest.length > 0 || !['run', 'doctor', 'openapi', 'help', 'version'].includes(verb)) {
    throw new CodedError('USAGE_INVALID', `there is no \`${positionals.join(' ')}\``);
  }
  if (verb === 'doctor')
    return { verb, isDeep: values.deep === true, isJson: values.json === true, ...place };
  if (verb !== 'run') return { verb: verb as 'openapi' | 'help' | 'version' };
  return { verb: values.check ? 'check' : 'run', ...place };
}

export function helpText(): string {
  const keys = Object.entries(CONFIG_KEYS);
  const width = Math.max(...keys.map(([key]) => key.length));
  const lines = keys.map(
    ([key, { help, initial }]) => `  ${key.padEnd(width)}  ${help} (${shown(initial())})`,
  );
  return `ringfleet-server [run] [--config FILE] [--data-dir DIR]   run the fleet server
ringfleet-server --check [--config FILE]                  only look at the configuration
ringfleet-server backup FOLDER                            copy all it keeps into a new folder, while it runs or not
ringfleet-server restore FOLDER [--replace]               put a backup into the data folder of a stopped server
ringfleet-server doctor [--deep] [--json]                 look for what is wrong; --deep reads every stored file
ringfleet-server openapi                                  print the API's OpenAPI document
ringfleet-server --help | --version

Logs JSON lines to stdout. The line "server ready" holds all addresses and signIn, a link that signs you in to the
dashboard once. Plain text on loopback needs people.plainPort. The CLI's token is DATA_DIR/keys/admin.token.

Configuration: flag, then RINGFLEET_SERVER__SECTION__KEY, then FILE (${DEFAULT_CONFIG_FILE}), then the default.
${lines.join('\n')}
`;
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      'data-dir': { type: 'string' },
      check: { type: 'boolean' },
      replace: { type: 'boolean' },
      deep: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'V' },
    },
  });

const shown = (value: unknown): string =>
  value === null ? 'off' : typeof value === 'object' ? JSON.stringify(value) : String(value);
