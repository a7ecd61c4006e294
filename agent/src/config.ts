import { existsSync, readFileSync } from 'node:fs';
import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf, MaintenanceWindow } from '@ringfleet/shared/protocol';
import { type Static, type TProperties, Type } from 'typebox';
import { parse, YAMLParseError } from 'yaml';
import { cronCalendar } from './adapters/cron-calendar.ts';
import { DEFAULT_PACE } from './adapters/paced.ts';
import { proxyChoice } from './adapters/proxy-choice.ts';
import { explainInvalid } from './config-explain.ts';
import { isLoopback } from './serving/local-origin.ts';
import { ModelConfig, RunProfileName } from './serving/model-config.ts';
import { tracingChoice } from './serving/tracing/tracing-choice.ts';
import { StreamConfig } from './streaming/stream-config.ts';

const DEFAULT_FILE = '/etc/ringfleet/agent.yaml';
/** Less would hold a connection still for so long that it is taken for broken. */
const MIN_BYTES_PER_SECOND = 8_192;
const PREFIX = 'RINGFLEET_AGENT__';

const section = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
const Millis = Type.Integer({ minimum: 1, maximum: 30 * 24 * 3_600_000 });
const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Url = Type.String({ maxLength: 500 });

/** `agent.yaml`. Unknown keys are errors: a misspelt one would silently do nothing. */
export const AgentConfig = section({
  /** V2 over TCP: loopback only. Port 0 takes any free one. */
  http: section({ host: Type.String(), port: Type.Integer({ minimum: 0, maximum: 65_535 }) }),
  /** V2 over a Unix socket; empty: `v2.sock` in the agent's run folder. */
  socket: section({ path: Type.String() }),
  /** V2 over gRPC: loopback only. `socket` empty: `grpc.sock` in the agent's run folder. */
  grpc: section({
    enabled: Type.Boolean(),
    host: Type.String(),
    port: Type.Integer({ minimum: 0, maximum: 65_535 }),
    socket: Type.String(),
  }),
  /** Prometheus metrics: loopback only. */
  metrics: section({
    enabled: Type.Boolean(),
    host: Type.String(),
    port: Type.Integer({ minimum: 0, maximum: 65_535 }),
  }),
  /**
   * Where spans of inferences go: a collector that speaks OTLP over HTTP; without it OTEL_EXPORTER_OTLP_ENDPOINT of the
   * environment counts. `ratio`: of the inferences that begin a trace; all, if not said.
   */
  tracing: section({
    endpoint: Type.Optional(Url),
    ratio: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  }),
  report: section({ periodMs: Millis }),
  /** `offlineMs`: how often the assignment is asked for while MQTT is not connected. */
  poll: section({ periodMs: Millis, offlineMs: Millis }),
  /** Addresses, where they differ from the enrolled ones; whom the server must prove to be stays as enrolled. */
  server: section({
    enabled: Type.Boolean(),
    apiUrl: Type.Optional(Url),
    mqttUrl: Type.Optional(Url),
    /** `http://[user:password@]host:port`, or `direct`; without it HTTPS_PROXY and NO_PROXY of the environment count. */
    proxy: Type.Optional(Url),
    maxReconnectMs: Millis,
  }),
  /** A slower answer of the server is given up and asked for again, from where it stopped. */
  download: section({
    minBytesPerSecond: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }),
    windowMs: Type.Integer({ minimum: 100, maximum: 3_600_000 }),
  }),
  disk: section({
    reserveBytes: Bytes,
    outboxBytes: Type.Integer({ minimum: 64 * 1024, maximum: Number.MAX_SAFE_INTEGER }),
  }),
  /**
   * When and how fast releases come. `windows`: they go live inside one of these only, and at any time without any.
   * `bytesPerSecond`: of all downloads together; 0 is no limit.
   */
  update: section({
    windows: Type.Array(MaintenanceWindow, { maxItems: 16 }),
    bytesPerSecond: Bytes,
  }),
  /** What runs models: onnxruntime-node, or any libonnxruntime.so at `library` through its C API. */
  runtime: section({
    backend: Type.Union([Type.Literal('ort-node'), Type.Literal('ort-capi')]),
    library: Type.Optional(Type.String({ pattern: '^/', maxLength: 1_000 })),
    /** How runs use the device: threads, spinning, memory kept between runs. */
    profile: RunProfileName,
  }),
  /** Folder of the sockets behind which systemd starts runners; empty: runners are children of the agent. */
  runner: section({ sockets: Type.String({ maxLength: 90 }) }),
  /** What this site says of single models. */
  models: section({ list: Type.Array(ModelConfig, { maxItems: 64 }) }),
  /** Local topics whose messages models answer. */
  streams: section({ list: Type.Array(StreamConfig, { maxItems: 32 }) }),
  log: section({
    level: Type.Union([
      Type.Literal('trace'),
      Type.Literal('debug'),
      Type.Literal('info'),
      Type.Literal('warn'),
      Type.Literal('error'),
      Type.Literal('silent'),
    ]),
  }),
});
export type AgentConfig = Static<typeof AgentConfig>;

export const DEFAULTS: AgentConfig = {
  http: { host: '127.0.0.1', port: 8000 },
  socket: { path: '' },
  grpc: { enabled: true, host: '127.0.0.1', port: 8001, socket: '' },
  metrics: { enabled: true, host: '127.0.0.1', port: 8002 },
  tracing: {},
  report: { periodMs: 300_000 },
  poll: { periodMs: 300_000, offlineMs: 30_000 },
  server: { enabled: true, maxReconnectMs: 60_000 },
  download: DEFAULT_PACE,
  disk: { reserveBytes: 256 * 1024 * 1024, outboxBytes: 64 * 1024 * 1024 },
  update: { windows: [], bytesPerSecond: 0 },
  runtime: { backend: 'ort-node', profile: 'balanced' },
  runner: { sockets: '' },
  models: { list: [] },
  streams: { list: [] },
  log: { level: 'info' },
};

const check = checkerOf(AgentConfig, 'agent configuration', 'CONFIG_INVALID');
type Sections = Record<string, Record<string, unknown>>;

/** Environment over file over defaults. Throws CONFIG_INVALID naming file and line (or the variable), the key, and what it may be. */
export function readConfig(
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): AgentConfig {
  const path = file ?? DEFAULT_FILE;
  const text = file === undefined && !existsSync(DEFAULT_FILE) ? '' : readText(path);
  const variables = new Map<string, string>();
  try {
    return resolveConfig(parseText(text, path), path, env, variables);
  } catch (err) {
    throw explainInvalid(err, AgentConfig, { file: path, text, variables });
  }
}

function resolveConfig(
  fromFile: unknown,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  variables: Map<string, string>,
): AgentConfig {
  const merged: Sections = structuredClone(DEFAULTS);
  merge(merged, fromFile, path);
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith(PREFIX) && value !== undefined) {
      variables.set(setFromEnvironment(merged, name, value), name);
    }
  }
  const config = check(merged);
  const { backend, library } = config.runtime;
  if (backend === 'ort-capi' && library === undefined) {
    throw new CodedError('CONFIG_INVALID', `${path}: runtime.backend ort-capi needs runtime.library`, {
      at: 'runtime.library',
    });
  }
  for (const section of ['http', 'grpc', 'metrics'] as const) {
    const { host } = config[section];
    if (isLoopback(host)) continue;
    const flaw = `${section}.host must be an address that only this device reaches, as 127.0.0.1 or ::1`;
    throw new CodedError('CONFIG_INVALID', flaw, { at: `/${section}/host` });
  }
  for (const [i, window] of config.update.windows.entries()) {
    const flaw = cronCalendar.flawOf(window);
    if (flaw !== null) throw new CodedError('CONFIG_INVALID', flaw, { at: `/update/windows/${i}` });
  }
  if (config.update.bytesPerSecond > 0 && config.update.bytesPerSecond < MIN_BYTES_PER_SECOND) {
    throw new CodedError('CONFIG_INVALID', `update.bytesPerSecond is 0 or at least ${MIN_BYTES_PER_SECOND}`, {
      at: '/update/bytesPerSecond',
    });
  }
  // Said at the start, not when the server is needed.
  proxyChoice(config.server.proxy, env);
  tracingChoice(config.tracing, env);
  return config;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError('CONFIG_INVALID', `${path}: ${why}`, { cause, at: path });
  }
}

function parseText(text: string, path: string): unknown {
  try {
    return parse(text) ?? {};
  } catch (cause) {
    throw new CodedError('CONFIG_INVALID', `${path}${flawOf(cause)}`, { cause, at: 'YAML' });
  }
}

/** `:7: what is wrong`: the parser's own message goes on with an excerpt. */
function flawOf(cause: unknown): string {
  const [line] = cause instanceof YAMLParseError ? (cause.linePos ?? []) : [];
  const text = cause instanceof Error ? cause.message : String(cause);
  return `${line ? `:${line.line}` : ''}: ${text.split('\n', 1)[0]?.replace(/ at line \d+.*$/, '')}`;
}

function merge(into: Sections, value: unknown, file: string): void {
  if (!isRecord(value))
    throw new CodedError('CONFIG_INVALID', `${file} is not a map of sections`, { at: 'top' });
  for (const [name, content] of Object.entries(value)) {
    const target = Object.hasOwn(into, name) ? into[name] : undefined;
    if (!target) throw new CodedError('CONFIG_INVALID', `there is no section "${name}"`, { at: `/${name}` });
    // A section whose keys are all commented out.
    if (content === null) continue;
    if (!isRecord(content))
      throw new CodedError('CONFIG_INVALID', `${name} is not a map of keys`, { at: `/${name}` });
    const known = keysOf(name);
    for (const [key, one] of Object.entries(content)) {
      if (!known.includes(key)) {
        throw new CodedError('CONFIG_INVALID', `there is no key "${name}.${key}"`, {
          at: `/${name}/${key}`,
        });
      }
      target[key] = one;
    }
  }
}

/** `RINGFLEET_AGENT__HTTP__PORT`; of `periodMs` both PERIODMS and PERIOD_MS. Returns the key, `http.port`. */
function setFromEnvironment(into: Sections, name: string, value: string): string {
  const plain = (text: string): string => text.replaceAll('_', '').toLowerCase();
  const [sectionPart = '', keyPart = '', ...more] = name.slice(PREFIX.length).split('__');
  const sectionName = Object.keys(into).find((one) => plain(one) === plain(sectionPart));
  const key = sectionName && keysOf(sectionName).find((one) => plain(one) === plain(keyPart));
  const target = sectionName ? into[sectionName] : undefined;
  if (!key || !target || more.length > 0) {
    throw new CodedError('CONFIG_INVALID', `the environment variable ${name} names no key`, { at: name });
  }
  target[key] = parse(value);
  return `${sectionName}.${key}`;
}

function keysOf(sectionName: string): string[] {
  const properties = AgentConfig.properties as unknown as Record<string, { properties: object }>;
  return Object.keys(properties[sectionName]?.properties ?? {});
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
