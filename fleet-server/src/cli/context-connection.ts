import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import { parseDocument } from 'yaml';

type Env = Readonly<Record<string, string | undefined>>;

/** Which server, as whom, and whose certificate to believe. */
export interface Connection {
  readonly url: URL;
  readonly token: string;
  /** PEM; undefined: the authorities that Node knows. */
  readonly ca: string | undefined;
}

/** Flag over environment over the profile of ~/.config/ringfleet/cli.yaml. Throws what is missing or wrong. */
export function resolveConnection(
  flags: { server?: string | undefined; profile?: string | undefined },
  env: Env,
): Connection {
  const profile = readProfile(flags.profile, env);
  const address = flags.server || env['RINGFLEET_URL'] || profile.url;
  if (!address) throw new CodedError('SERVER_URL_MISSING');
  const url = serverUrl(address);
  const token = tokenOf(env, profile);
  const caFile = env['RINGFLEET_CA_FILE'] || profile.caFile;
  return { url, token, ca: caFile ? readText(caFile) : undefined };
}

const Profile = Type.Object(
  {
    url: Type.Optional(Type.String({ minLength: 1 })),
    token: Type.Optional(Type.String({ minLength: 1 })),
    tokenFile: Type.Optional(Type.String({ minLength: 1 })),
    caFile: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);
const CliFile = Type.Object(
  { default: Type.Optional(Type.String()), profiles: Type.Record(Type.String(), Profile) },
  { additionalProperties: false },
);
const checkFile = checkerOf(CliFile, 'cli.yaml', 'CLI_CONFIG_INVALID');

interface ProfileValues {
  readonly url?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
}

function readProfile(wanted: string | undefined, env: Env): ProfileValues {
  const path = join(
    env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config'),
    'ringfleet',
    'cli.yaml',
  );
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) {
    if (wanted !== undefined) throw new CodedError('PROFILE_UNKNOWN', `there is no ${path}`);
    return {};
  }
  if ((stat.mode & 0o077) !== 0) throw new CodedError('CLI_CONFIG_UNSAFE', undefined, { at: path });
  const document = parseDocument(readText(path));
  const broken = document.errors[0];
  if (broken) throw new CodedError('CLI_CONFIG_INVALID', `${path}: ${broken.message}`, { cause: broken });
  const file = checkFile(document.toJS());
  const name = wanted ?? file.default;
  if (name === undefined) return {};
  const profile = Object.hasOwn(file.profiles, name) ? file.profiles[name] : undefined;
  if (!profile) throw new CodedError('PROFILE_UNKNOWN', `${path} has no profile ${name}`);
  return profile;
}

function tokenOf(env: Env, profile: ProfileValues): string {
  const file = env['RINGFLEET_TOKEN_FILE'] || profile.tokenFile;
  const token = env['RINGFLEET_TOKEN'] || (file ? readText(file).trim() : profile.token);
  if (!token) throw new CodedError('TOKEN_MISSING');
  return token;
}

function serverUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new CodedError('SERVER_URL_INVALID', `${address} is not an http or https address`);
  }
  const isLoopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'http:' && !isLoopback) {
    throw new CodedError('SERVER_URL_INVALID', `${address} is plain http and not on this machine`);
  }
  return url;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CodedError('FILE_UNREADABLE', path, { cause });
  }
}
