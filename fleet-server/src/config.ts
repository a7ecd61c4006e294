import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { isCollection, isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { CONFIG_KEYS } from './config-keys.ts';
import type { OidcKeys } from './config-oidc.ts';
import type { WebhookKeys } from './config-webhooks.ts';

export interface ServerConfig {
  readonly fleet: string;
  readonly dataDir: string;
  readonly publicHost: string;
  readonly people: { readonly host: string; readonly port: number; readonly plainPort: number | null };
  readonly device: { readonly host: string; readonly port: number };
  readonly mqtt: { readonly host: string; readonly port: number };
  readonly oidc: OidcKeys;
  readonly webhooks: WebhookKeys;
  readonly packages: { readonly dir: string | null };
  readonly tickMs: number;
  readonly reconnectWindowMs: number;
}

export const DEFAULT_CONFIG_FILE = '/etc/ringfleet/server.yaml';
const ENV_PREFIX = 'RINGFLEET_SERVER__';

/**
 * Flag over environment over file over default (DESIGN §12). Throws CONFIG_INVALID naming file, line, key and what is
 * allowed; a key nobody knows is an error.
 */
export function loadConfig(
  flags: { config?: string | undefined; dataDir?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): ServerConfig {
  const file = flags.config ?? (existsSync(DEFAULT_CONFIG_FILE) ? DEFAULT_CONFIG_FILE : undefined);
  const values: Record<string, unknown> = {
    ...initialValues(env),
    ...(file === undefined ? {} : fromFile(file)),
    ...fromEnvironment(env),
    ...(flags.dataDir === undefined ? {} : { dataDir: flags.dataDir }),
  };
  const config = nested(values) as unknown as ServerConfig;
  return { ...config, dataDir: resolve(config.dataDir) };
}

/** A URL of a listener as others reach it. */
export function urlOf(scheme: string, host: string, port: number): string {
  return `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

function initialValues(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const initial = Object.entries(CONFIG_KEYS).map(([key, { initial: make }]) => [key, make()]);
  // systemd's StateDirectory= (DESIGN §12).
  const stateDir = env['STATE_DIRECTORY'];
  return { ...Object.fromEntries(initial), ...(stateDir ? { dataDir: stateDir } : {}) };
}

function fromFile(path: string): Record<string, unknown> {
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { lineCounter: lines });
  const broken = document.errors[0];
  if (broken)
    throw new CodedError('CONFIG_INVALID', `${path}: ${broken.message}`, { cause: broken, at: path });
  const values: Record<string, unknown> = {};
  if (document.contents === null) return values;
  if (!isMap(document.contents))
    throw new CodedError('CONFIG_INVALID', `${path} holds no keys`, { at: path });
  const lineOf = (node: unknown): string => {
    const start = isScalar(node) || isMap(node) ? node.range?.[0] : undefined;
    return start === undefined ? path : `${path}:${lines.linePos(start).line}`;
  };
  collect(document.contents, '', values, lineOf);
  return values;
}

function collect(
  map: YAMLMap,
  prefix: string,
  into: Record<string, unknown>,
  lineOf: (node: unknown) => string,
): void {
  for (const { key: node, value } of map.items) {
    const key = `${prefix}${isScalar(node) ? String(node.value) : '?'}`;
    const isSection = Object.keys(CONFIG_KEYS).some((known) => known.startsWith(`${key}.`));
    if (isSection && isMap(value)) collect(value, `${key}.`, into, lineOf);
    else if (isSection) throw invalid(lineOf(node), key, `holds keys: ${siblings(`${key}.`)}`);
    else
      into[key] = checked(
        key,
        isScalar(value) ? value.value : isCollection(value) ? value.toJSON() : value,
        lineOf(node),
        prefix,
      );
  }
}

/** `RINGFLEET_SERVER__PEOPLE__PLAIN_PORT` and `…__PLAINPORT` both mean people.plainPort. */
function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || text === undefined) continue;
    const wanted = name.slice(ENV_PREFIX.length).split('__').map(flat).join('.');
    const key = Object.keys(CONFIG_KEYS).find((known) => known.split('.').map(flat).join('.') === wanted);
    if (key === undefined)
      throw invalid(`environment, ${name}`, wanted, `is no key; there are ${siblings('')}`);
    const isNumber = /^-?\d{1,15}$/.test(text) && CONFIG_KEYS[key]?.isAllowed(Number(text)) === true;
    values[key] = checked(
      key,
      isNumber ? Number(text) : text === 'null' ? null : text,
      `environment, ${name}`,
      '',
    );
  }
  return values;
}

const flat = (name: string): string => name.replaceAll('_', '').toLowerCase();

function checked(key: string, value: unknown, where: string, prefix: string): unknown {
  const rule = Object.hasOwn(CONFIG_KEYS, key) ? CONFIG_KEYS[key] : undefined;
  if (!rule) throw invalid(where, key, `is no key; there are ${siblings(prefix)}`);
  if (!rule.isAllowed(value)) throw invalid(where, key, `must be ${rule.allowed}`);
  return value;
}

const siblings = (prefix: string): string => [...new Set(keysUnder(prefix))].join(', ');

const keysUnder = (prefix: string): string[] =>
  Object.keys(CONFIG_KEYS)
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length).split('.')[0] ?? key);

const invalid = (where: string, key: string, message: string): CodedError =>
  new CodedError('CONFIG_INVALID', `${where}: ${key} ${message}`, { at: key });

function nested(values: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    const [section = '', name] = key.split('.');
    if (name === undefined) result[section] = value;
    else result[section] = { ...(result[section] as object | undefined), [name]: value };
  }
  return result;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CodedError('CONFIG_UNREADABLE', path, { cause, at: path });
  }
}
