import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SOURCE, writeSource } from '../../fleet-server/src/release-build/release-fixture.ts';
import { LiveClient } from './live-client.ts';
import { type LiveAgent, LiveFleet } from './live-fleet.ts';
import { runToEnd } from './live-process.ts';

const MODEL = SOURCE.model;
const DEVICES = ['d-1', 'd-2'] as const;
const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 40_000, interval: 200 });

let fleet: LiveFleet;
const agents: LiveAgent[] = [];
const clients: LiveClient[] = [];

beforeAll(async () => {
  fleet = await LiveFleet.start();
  const online = join(fleet.serverDir, 'keys', 'online.pub.json');
  await fleet.must('trust', 'init', '--dir', trust(), '--online-key', online, '--model', MODEL);
  await fleet.must('trust', 'publish', '--dir', trust());
  await fleet.must('ring', 'set', 'a', '--order', '1', '--selector', 'stage=a');
  for (const version of ['1.0.0', '1.1.0']) await publish(version);
  await fleet.assign('a', `${MODEL}@1.0.0`);
  const token = await fleet.token('a', 3);
  for (const id of DEVICES) agents.push(await fleet.startAgent(id, await fleet.enroll(id, 'a', {}, token)));
  for (const { http } of agents) {
    await until(async () => expect((await fetch(`${http}/v2/models/${MODEL}/ready`)).status).toBe(200));
    clients.push(new LiveClient(http, MODEL));
  }
  await untilAllRun('1.0.0');
}, 120_000);
afterAll(async () => {
  await Promise.all(clients.map((client) => client.stop()));
  await fleet?.stop();
});

const trust = (): string => join(fleet.dir, 'publisher');

async function publish(version: string): Promise<void> {
  const source = await writeSource(join(fleet.dir, version), (s) => Object.assign(s, { version }));
  await fleet.must('release', 'build', source, '--out', join(fleet.dir, 'dist'));
  await fleet.must('release', 'sign', dist(version), '--trust', trust());
  await fleet.must('release', 'publish', dist(version), '--trust', trust());
}
const dist = (version: string): string => join(fleet.dir, 'dist', `${MODEL}-${version}`);

async function untilAllRun(version: string): Promise<void> {
  for (const id of DEVICES) {
    await until(async () => {
      const [model] = (await fleet.device(id)).models;
      expect(model).toMatchObject({ isCommitted: true, running: { version } });
    });
  }
}
const server = (...args: readonly string[]) =>
  runToEnd('server', [...args, '--config', fleet.serverConfig(), '--data-dir', fleet.serverDir], {});
interface Told {
  readonly code: string;
  readonly device: string | null;
  readonly data: { readonly stream: string; readonly count: number };
}
async function history(): Promise<readonly Told[]> {
  const { body } = await fleet.api<{ items: Told[] }>('events/history?limit=200');
  return body.items;
}

describe('a server that is put back from a backup while its fleet went on', () => {
  it("agrees with its devices again by itself, on what its rings say, and takes the publisher's lost release again", async () => {
    const backup = join(fleet.dir, 'backup');
    expect(await server('backup', backup)).toMatchObject({
      code: 0,
      err: expect.stringContaining('control.db: 100 %'),
    });
    expect(await server('restore', backup, '--replace')).toMatchObject({
      code: 5,
      err: expect.stringContaining('STATE_DIR_IN_USE'),
    });

    // What the backup does not know: a newer root and targets, a release, three generations, reports.
    await fleet.must('trust', 'targets', 'renew', '--dir', trust());
    await fleet.must('trust', 'publish', '--dir', trust());
    await publish('1.2.0');
    for (const version of ['1.1.0', '1.2.0']) {
      await fleet.assign('a', `${MODEL}@${version}`);
      await untilAllRun(version);
    }
    await until(async () => {
      for (const agent of agents) expect((await agent.status()).outbox.rows).toBeLessThan(2);
    });
    const before = await Promise.all(agents.map(async (agent) => (await agent.status()).generation));

    await fleet.killServer();
    await rm(fleet.serverDir, { recursive: true });
    expect(await server('restore', backup)).toMatchObject({
      code: 0,
      out: expect.stringContaining('all verified'),
    });
    expect((await server('doctor')).out).toMatch(/verdict: ready/);
    await fleet.startServer();

    await untilAllRun('1.0.0');
    for (const [i, agent] of agents.entries()) {
      await until(async () => {
        const status = await agent.status();
        expect(status).toMatchObject({ isConnected: true, network: null });
        expect(status.generation).toBeGreaterThan(before[i] ?? 0);
      });
    }
    expect((await history()).map(({ code }) => code)).toEqual(
      expect.arrayContaining(['SERVER_RESTORED', 'METADATA_RECOVERED']),
    );

    const asked = (await history()).filter(({ code }) => code === 'DEVICE_ASKED_AGAIN');
    expect(asked.length).toBeLessThanOrEqual(2 * DEVICES.length);

    // The release whose files were lost is published again from the same folder, and goes out as any.
    await fleet.must('release', 'publish', dist('1.2.0'), '--trust', trust());
    await fleet.assign('a', `${MODEL}@1.2.0`);
    await untilAllRun('1.2.0');
    expect(clients.flatMap(({ failures }) => failures)).toEqual([]);
  });

  it('has every report once that devices were not told to be stored, and says how many it lost', async () => {
    await until(async () => {
      for (const agent of agents) expect((await agent.status()).outbox.rows).toBeLessThan(2);
    });
    const db = new Sqlite(join(fleet.serverDir, 'control.db'), { readonly: true });
    const kept = db
      .prepare<[], { device: string; start: number; stored: number; head: number }>(
        `SELECT h.device, h.start, h.stored_up_to AS head, count(r.seq) AS stored FROM report_heads h
         JOIN reports r USING (device, journal, start, stream) WHERE h.stream = 'event' AND r.seq <= h.stored_up_to
         GROUP BY h.device, h.start`,
      )
      .all();
    db.close();
    const lost = (await history()).filter(({ code }) => code === 'REPORTS_LOST');
    expect(new Set(lost.map(({ device }) => device))).toEqual(new Set(DEVICES));
    for (const { device, head, stored } of kept) {
      const told = lost.filter((one) => one.device === device && one.data.stream === 'event');
      expect(stored + told.reduce((sum, one) => sum + one.data.count, 0)).toBe(head);
    }
  });
});
