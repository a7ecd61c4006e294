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

/** What says where to connect. */
export interface ServerFlags {
  readonly server?: string | undefined;
  readonly profile?: string | undefined;
}

/** Flag over environment over the profile of ~/.config/ringfleet/cli.yaml. Throws what is missing or wrong. */
export function resolveConnection(flags: ServerFlags, env: Env): Connection {
  const profile = readProfile(flags.profile, env);
  const server = serverOf(flags, env, profile);
  return { ...server, token: tokenOf(env, profile) };
}

/** The server alone, for whoever has no token yet; a profile that is still to be written is no error. */
export function resolveServer(
  flags: ServerFlags,
  env: Env,
): Omit<Connection, 'token'> & { readonly caFile: string | undefined } {
  return serverOf(flags, env, readProfile(flags.profile, env, true));
}

function serverOf(flags: ServerFlags, env: Env, profile: ProfileValues) {
  const address = flags.server || env['RINGFLEET_URL'] || profile.url;
  if (!address) throw new CodedError('SERVER_URL_MISSING');
  const url = serverUrl(address);
  const caFile = env['RINGFLEET_CA_FILE'] || profile.caFile;
  return { url, ca: caFile ? readText(caFile) : undefined, caFile };
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

export const cliFile = (env: Env): string =>
  join(env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config'), 'ringfleet', 'cli.yaml');

function readProfile(wanted: string | undefined, env: Env, mayBeNew = false): ProfileValues {
  const path = cliFile(env);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) {
    if (wanted !== undefined && !mayBeNew) throw new CodedError('PROFILE_UNKNOWN', `there is no ${path}`);
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
  if (!profile && mayBeNew) return {};
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
