import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DEFAULTS, readConfig } from './config.ts';
import { fallbackPolicies } from './serving/model-config.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-config-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const file = (text: string): string => {
  const path = join(dir, 'agent.yaml');
  writeFileSync(path, text);
  return path;
};
const refused = (message: string) =>
  expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) });

it('takes the environment over the file over the defaults', () => {
  const path = file('http: { port: 1 }\nreport:\n  periodMs: 2000\n');
  const config = readConfig(path, {
    RINGFLEET_AGENT__HTTP__PORT: '0',
    RINGFLEET_AGENT__POLL__OFFLINE_MS: '7',
  });
  expect(config).toMatchObject({
    http: { host: '127.0.0.1', port: 0 },
    grpc: { enabled: true, host: '127.0.0.1', port: 8001 },
    metrics: { enabled: true, host: '127.0.0.1', port: 8002 },
    report: { periodMs: 2000 },
    poll: { periodMs: 300_000, offlineMs: 7 },
  });
});

it('takes an empty file for the defaults', () => {
  expect(readConfig(file(''), {}).http.port).toBe(8000);
});

it('takes streams, and refuses one with a key it does not know', () => {
  const stream = 'broker: "mqtt://127.0.0.1", topic: a, model: tiny, output: b';
  expect(readConfig(file(`streams: { list: [{ ${stream} }] }`), {}).streams.list).toHaveLength(1);
  expect(() => readConfig(file(`streams: { list: [{ ${stream}, qos: 2 }] }`), {})).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', at: expect.stringContaining('/streams/list/0') }),
  );
});

it('takes what answers for a model without a runner, and refuses a constant that is no V2 output', () => {
  const listOf = (constant: string) => {
    const entry = `model: tiny, fallback: constant, constant: [{ ${constant} }]`;
    return readConfig(file(`models: { list: [{ ${entry} }] }`), {}).models.list;
  };
  const policyOf = fallbackPolicies(listOf('name: y, datatype: FP32, shape: [1], data: [0.5]'));
  expect([policyOf('tiny').kind, policyOf('other').kind]).toEqual(['constant', 'wait']);
  expect(() => fallbackPolicies(listOf('name: y, datatype: FP32, shape: [2], data: [0.5]'))).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', at: '/models/list' }),
  );
});

it('refuses what it does not know and says which key', () => {
  expect(() => readConfig(file('htp: {}'), {})).toThrow(refused('htp'));
  expect(() => readConfig(file('http: { prt: 1 }'), {})).toThrow(refused('http.prt'));
  expect(() => readConfig(file('http: { port: many }'), {})).toThrow(
    expect.objectContaining({ at: '/http/port' }),
  );
  expect(() => readConfig(file('- a'), {})).toThrow(refused('map'));
  expect(() => readConfig(file('{'), {})).toThrow(refused('agent.yaml'));
  expect(() => readConfig(undefined, { RINGFLEET_AGENT__HTTP__PORTS: '1' })).toThrow(refused('PORTS'));
});

it.each([
  ['http:\n  port: many', /agent\.yaml:2: http\.port must be an integer from 0 to 65535/],
  ['log: { level: info }\nhtp: {}', /agent\.yaml:2: htp is no key; there are http, socket/],
  ['log:\n  level: loud', /agent\.yaml:2: log\.level must be one of trace, debug, info/],
  [
    'metrics:\n  host: 0.0.0.0',
    /agent\.yaml:2: metrics\.host must be an address that only this device reaches/,
  ],
  ['log: info', /agent\.yaml:1: log is not a map of keys/],
  ['log:\n  level: info\nhttp: { port: 1', /agent\.yaml:\d: Flow map .* end with a \}$/],
  ['tracing: { ratio: 2 }', /agent\.yaml:1: tracing\.ratio must be a number from 0 to 1/],
  ['tracing:\n  endpoint: nowhere', /agent\.yaml:2: a collector is written http/],
  ['grpc:\n\n  enabled: 3', /agent\.yaml:3: grpc\.enabled must be true or false/],
])('names file, line, key and what is allowed: %j', (text, expected) => {
  expect(() => readConfig(file(text), {})).toThrow(expected);
});

it('takes a section whose keys are all commented out', () => {
  expect(readConfig(file('log:\n#  level: debug'), {})).toEqual(DEFAULTS);
});

it('names the variable that holds a wrong value', () => {
  expect(() => readConfig(file(''), { RINGFLEET_AGENT__LOG__LEVEL: 'loud' })).toThrow(
    /environment, RINGFLEET_AGENT__LOG__LEVEL: log\.level must be one of/,
  );
});
