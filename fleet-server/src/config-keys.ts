import { hostname } from 'node:os';
import { ROLES } from './core/roles.ts';

/** One key of server.yaml: what it means, what it may be, and what it is when nobody says. */
export interface ConfigKey {
  readonly help: string;
  readonly allowed: string;
  /** The same for editors (docs/schemas), as far as JSON Schema can say it. */
  readonly schema: object;
  readonly isAllowed: (value: unknown) => boolean;
  readonly initial: () => unknown;
}

const text = (pattern: RegExp, allowed: string, initial: () => string, help: string): ConfigKey => ({
  help,
  allowed,
  initial,
  schema: { type: 'string', pattern: pattern.source },
  isAllowed: (value) => typeof value === 'string' && pattern.test(value),
});

/** A text that may be left out. */
const optional = (pattern: RegExp, allowed: string, help: string): ConfigKey => ({
  help,
  allowed: `${allowed}, or null`,
  initial: () => null,
  schema: { type: ['string', 'null'], pattern: pattern.source },
  isAllowed: (value) => value === null || (typeof value === 'string' && pattern.test(value)),
});

const integer = (minimum: number, maximum: number, initial: number, help: string): ConfigKey => ({
  help,
  allowed: `an integer from ${minimum} to ${maximum}`,
  initial: () => initial,
  schema: { type: 'integer', minimum, maximum, default: initial },
  isAllowed: (value) => Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum,
});

const host = (initial: string, help: string): ConfigKey =>
  text(/^[A-Za-z0-9.:_-]{1,253}$/, 'a host name or an IP address', () => initial, help);

const port = (initial: number, help: string): ConfigKey =>
  integer(0, 65_535, initial, `${help}; 0 takes any free one`);

/** Every key there is; `section.key` in the file, RINGFLEET_SERVER__SECTION__KEY in the environment. */
export const CONFIG_KEYS: Readonly<Record<string, ConfigKey>> = {
  fleet: text(
    /^[A-Za-z0-9_-]{1,64}$/,
    '1 to 64 letters, digits, _ or -',
    () => 'main',
    'name of the fleet, part of topics and certificates',
  ),
  dataDir: text(/^.+$/, 'a path', () => '/var/lib/ringfleet-server', 'folder for databases, files and keys'),
  publicHost: host(hostname(), 'name or address by which devices and people reach this server'),
  'people.host': host('0.0.0.0', 'address of the API and the dashboard (HTTPS)'),
  'people.port': port(8443, 'port of the API and the dashboard'),
  'people.plainPort': {
    ...port(0, 'the same without TLS, on 127.0.0.1 only'),
    allowed: 'an integer from 0 to 65535, or null for no such listener',
    initial: () => null,
    schema: { type: ['integer', 'null'], minimum: 0, maximum: 65_535 },
    isAllowed: (value) =>
      value === null || (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535),
  },
  'device.host': host('0.0.0.0', 'address for devices (HTTPS with client certificates)'),
  'device.port': port(8444, 'port for devices'),
  'mqtt.host': host('0.0.0.0', 'address of the MQTT broker (TLS with client certificates)'),
  'mqtt.port': port(8883, 'port of the MQTT broker'),
  'oidc.issuer': optional(
    /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)[:/])\S+$/,
    'an https address (http on loopback only)',
    'address of the OpenID Connect provider; sign-in through it is off without one',
  ),
  'oidc.clientId': optional(/^.+$/, 'a text', 'name of this server at the provider'),
  'oidc.clientSecretFile': optional(/^.+$/, 'a path', 'file with the secret of that client'),
  'oidc.roleClaim': text(/^.+$/, 'a text', () => 'roles', 'claim of the ID token that decides the role'),
  'oidc.roles': {
    help: 'value of that claim → viewer, operator, publisher or admin; the highest counts',
    allowed: 'a map from values to viewer, operator, publisher or admin',
    initial: () => ({}),
    schema: { type: 'object', additionalProperties: { enum: [...ROLES] } },
    isAllowed: (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((role) => (ROLES as readonly unknown[]).includes(role)),
  },
  'webhooks.allow': {
    help: 'origins of webhook receivers on your premises, which may have private addresses, http and any port',
    allowed: 'a list of origins like https://alerts.plant.example:9443',
    initial: () => [],
    schema: { type: 'array', items: { type: 'string', format: 'uri' } },
    isAllowed: (value) => Array.isArray(value) && value.every(isOrigin),
  },
  'webhooks.caFile': optional(
    /^.+$/,
    'a path',
    'PEM file of authorities that receivers may have besides the public ones',
  ),
  'packages.dir': optional(
    /^\/.+$/,
    'an absolute path',
    "folder with the agent's packages of this version for /install.sh; <dataDir>/packages without it",
  ),
  tickMs: integer(20, 3_600_000, 1_000, 'how often rollouts are looked at'),
  reconnectWindowMs: integer(0, 3_600_000, 30_000, 'over how long devices spread their reconnects'),
};

function isOrigin(value: unknown): boolean {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url !== null && url.origin === value && ['http:', 'https:'].includes(url.protocol);
}
