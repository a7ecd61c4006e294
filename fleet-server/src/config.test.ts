import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from './config.ts';
import { helpText, parseServerArguments } from './config-arguments.ts';
import { CONFIG_KEYS } from './config-keys.ts';
import { asListenError } from './config-listen-error.ts';
import { oidcConfigOf } from './config-oidc.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-config-'));
  file = join(folder, 'server.yaml');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function load(yaml: string, env: Record<string, string> = {}, flags: { dataDir?: string } = {}) {
  await writeFile(file, yaml);
  return loadConfig({ config: file, ...flags }, env);
}

describe('the configuration', () => {
  it('has a default for everything', async () => {
    expect(await load('')).toMatchObject({
      fleet: 'main',
      dataDir: '/var/lib/ringfleet-server',
      people: { port: 8443, plainPort: null },
      device: { port: 8444 },
      mqtt: { port: 8883 },
    });
  });

  it('takes a flag over the environment, that over the file, and that over the default', async () => {
    const yaml = 'fleet: f\ndataDir: /from/file\npeople: {port: 1, plainPort: 2}\n';
    const env = { RINGFLEET_SERVER__DATADIR: '/from/env', RINGFLEET_SERVER__PEOPLE__PLAIN_PORT: '3' };
    expect(await load(yaml, env, { dataDir: '/from/flag' })).toMatchObject({
      fleet: 'f',
      dataDir: '/from/flag',
      people: { port: 1, plainPort: 3 },
    });
    expect(await load(yaml, env)).toMatchObject({ dataDir: '/from/env' });
    expect(await load(yaml)).toMatchObject({ dataDir: '/from/file', people: { plainPort: 2 } });
  });

  it("uses systemd's state folder when nobody names one", async () => {
    expect(await load('', { STATE_DIRECTORY: '/var/lib/other' })).toMatchObject({
      dataDir: '/var/lib/other',
    });
  });

  it('takes origins of webhook receivers, and nothing that is more or less than one', async () => {
    expect((await load('')).webhooks).toEqual({ allow: [], caFile: null });
    const allow = ['https://alerts.plant.test:9443', 'http://10.0.0.5:9093'];
    expect((await load(`webhooks:\n  allow: ${JSON.stringify(allow)}\n`)).webhooks.allow).toEqual(allow);
    for (const wrong of ['alerts.plant.test', 'https://a.test/', '10.0.0.0/8', 'ftp://a.test', '*'])
      await expect(load(`webhooks: { allow: ["${wrong}"] }\n`)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        at: 'webhooks.allow',
      });
  });

  it('takes the identity provider with its roles, and is without one by default', async () => {
    expect((await load('')).oidc).toMatchObject({ issuer: null, roleClaim: 'roles', roles: {} });
    const yaml =
      'oidc:\n  issuer: https://id.test/realm\n  clientId: rf\n  roles: {ops: operator, "my admins": admin}\n';
    const { oidc } = await load(yaml);
    expect(oidc).toMatchObject({
      issuer: 'https://id.test/realm',
      roles: { ops: 'operator', 'my admins': 'admin' },
    });
    expect(() => oidcConfigOf(oidc)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    for (const wrong of ['{roles: {ops: king}}', '{issuer: "http://id.test"}']) {
      await expect(load(`oidc: ${wrong}\n`)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    }
  });

  it('keeps a name that looks like a number', async () => {
    expect(await load('', { RINGFLEET_SERVER__FLEET: '42' })).toMatchObject({ fleet: '42' });
  });

  it.each([
    ['fleet: ok\nflet: x\n', 'flet', ':2: flet is no key; there are fleet, dataDir,'],
    ['people:\n  prot: 1\n', 'people.prot', ':2: people.prot is no key; there are host, port, plainPort'],
    ['people:\n  port: 70000\n', 'people.port', 'people.port must be an integer from 0 to 65535'],
    ['people:\n  port: "80"\n', 'people.port', 'must be an integer'],
    ['people: 8443\n', 'people', 'holds keys: host, port, plainPort'],
    ['fleet: [a]\n', 'fleet', 'must be 1 to 64 letters'],
    ['toString: x\n', 'toString', 'is no key'],
  ])('refuses %j and names file, line, key and what is allowed', async (yaml, at, message) => {
    await expect(load(yaml)).rejects.toMatchObject({ code: 'CONFIG_INVALID', at });
    await expect(load(yaml)).rejects.toThrow(file);
    await expect(load(yaml)).rejects.toThrow(message);
  });

  it.each([
    ['RINGFLEET_SERVER__PEOPLE__PROT', '1'],
    ['RINGFLEET_SERVER__PEOPLE__PORT', 'many'],
  ])('refuses the variable %s=%s', async (name, value) => {
    await expect(load('', { [name]: value })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(load('', { [name]: value })).rejects.toThrow(name);
  });

  it('refuses a file that is no YAML, or not there', async () => {
    await expect(load('a: [')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(() => loadConfig({ config: join(folder, 'no.yaml') }, {})).toThrowError(
      expect.objectContaining({ code: 'CONFIG_UNREADABLE' }),
    );
  });
});

describe('the command line', () => {
  it('runs by default and knows its other verbs', () => {
    expect(parseServerArguments([])).toEqual({ verb: 'run' });
    expect(parseServerArguments(['run', '--config', 'a', '--data-dir', 'b'])).toEqual({
      verb: 'run',
      config: 'a',
      dataDir: 'b',
    });
    expect(parseServerArguments(['openapi'])).toEqual({ verb: 'openapi' });
    expect(parseServerArguments(['--help']).verb).toBe('help');
    for (const args of [['walk'], ['run', 'fast'], ['--port', '1']]) {
      expect(() => parseServerArguments(args)).toThrowError(
        expect.objectContaining({ code: 'USAGE_INVALID' }),
      );
    }
  });

  it('lists every key in its help', () => {
    for (const key of Object.keys(CONFIG_KEYS)) expect(helpText()).toContain(key);
  });
});

describe('a listener that cannot open', () => {
  it('names the key of its port', async () => {
    const config = await load('mqtt: {port: 1234}');
    const inUse = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE', port: 1234 });
    expect(asListenError(inUse, config)).toMatchObject({ code: 'PORT_IN_USE', at: 'mqtt.port' });
    const forbidden = Object.assign(new Error('listen EACCES'), { code: 'EACCES', port: 1234 });
    expect(asListenError(forbidden, config)).toMatchObject({ code: 'ADDRESS_UNUSABLE', at: 'mqtt.port' });
    const other = new Error('something else');
    expect(asListenError(other, config)).toBe(other);
  });
});
