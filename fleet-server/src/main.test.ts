import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const FREE_PORTS = {
  RINGFLEET_SERVER__PUBLICHOST: '127.0.0.1',
  RINGFLEET_SERVER__PEOPLE__HOST: '127.0.0.1',
  RINGFLEET_SERVER__PEOPLE__PORT: '0',
  RINGFLEET_SERVER__PEOPLE__PLAINPORT: '0',
  RINGFLEET_SERVER__DEVICE__HOST: '127.0.0.1',
  RINGFLEET_SERVER__DEVICE__PORT: '0',
  RINGFLEET_SERVER__MQTT__HOST: '127.0.0.1',
  RINGFLEET_SERVER__MQTT__PORT: '0',
};

let folder: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-main-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
  }
  await rm(folder, { recursive: true, force: true });
});

function launch(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=source', MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...FREE_PORTS, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

async function untilReady(child: ChildProcess): Promise<Record<string, string>> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const entry = JSON.parse(line) as Record<string, string>;
    if (entry['msg'] === 'server ready') {
      child.stdout?.resume();
      return entry;
    }
  }
  throw new Error('the server ended before it was ready');
}

async function ended(child: ChildProcess): Promise<{ code: number | null; err: string }> {
  let err = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdout?.resume();
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, err };
}

describe('ringfleet-server', { timeout: 30_000 }, () => {
  it('starts from nothing, lets its owner in, and stops at SIGTERM although somebody follows its events', async () => {
    const server = launch(['--data-dir', folder]);
    const ready = await untilReady(server);
    expect(ready).toMatchObject({
      plain: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      people: expect.stringMatching(/^https:/),
      device: expect.stringMatching(/^https:/),
      mqtt: expect.stringMatching(/^mqtts:/),
    });
    const tokenFile = join(folder, 'keys', 'admin.token');
    expect((await stat(tokenFile)).mode & 0o777).toBe(0o600);
    const headers = { authorization: `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}` };
    const overview = await fetch(`${ready['plain']}/api/v1/overview`, { headers });
    expect(await overview.json()).toMatchObject({ fleet: 'main', devices: { total: 0 } });
    const signedIn = await fetch(ready['signIn'] ?? '', { redirect: 'manual' });
    expect(signedIn.status).toBe(303);

    const events = await fetch(`${ready['plain']}/api/v1/events`, { headers });
    const stopping = ended(server);
    const startedAt = Date.now();
    server.kill('SIGTERM');
    expect(await stopping).toEqual({ code: 0, err: '' });
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    await events.body?.cancel();
  });

  it('refuses a data folder and a port that are in use, and the first goes on', async () => {
    const ready = await untilReady(launch(['--data-dir', folder]));
    const sameFolder = await ended(launch(['--data-dir', folder]));
    expect(sameFolder).toMatchObject({ code: 5, err: expect.stringContaining('STATE_DIR_IN_USE') });

    const port = new URL(ready['mqtt'] ?? '').port;
    const samePort = await ended(
      launch(['--data-dir', join(folder, 'other')], { RINGFLEET_SERVER__MQTT__PORT: port }),
    );
    expect(samePort).toMatchObject({ code: 2, err: expect.stringContaining('PORT_IN_USE') });
    expect(samePort.err).toContain('mqtt.port');
    expect((await fetch(`${ready['plain']}/healthz`)).status).toBe(200);
  });

  it('ends with 2 on a command line or a configuration it does not understand', async () => {
    expect(await ended(launch(['dance']))).toMatchObject({
      code: 2,
      err: expect.stringContaining('USAGE_INVALID'),
    });
    const config = await ended(launch(['--config', join(folder, 'none.yaml')]));
    expect(config).toMatchObject({ code: 2, err: expect.stringContaining('CONFIG_UNREADABLE') });
  });
});
