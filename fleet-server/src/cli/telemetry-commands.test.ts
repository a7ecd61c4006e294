import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, CHANGE, NOW_MS, openPeople, type PeopleFixture } from '../api/people-fixture.ts';
import { DIGEST_1, enrolled, releaseOf, report, teleBody } from '../ports/stores.contract.ts';
import { runProgram } from './main-program.ts';
import { registerOperateCommands } from './operate-commands.ts';

let people: PeopleFixture;
let url: string;
beforeEach(async () => {
  people = await openPeople();
  await people.app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(people.app.server.address() as AddressInfo).port}`;
  await enrolled(people.stores);
  await people.stores.releases.add(releaseOf('1.0.0', DIGEST_1), Buffer.from('{}'), CHANGE);
  const body = teleBody(DIGEST_1, 99);
  const models = body.models.map((model) => ({ ...model, failures: 1, latencyUs: [0, 0, 0, 0, 100] }));
  await people.stores.reports.ingest('edge-1', [report('tele', 1, { ...body, models })], NOW_MS);
});
afterEach(() => people.close());

async function ringfleet(...args: string[]) {
  let out = '';
  let err = '';
  const streams = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
  const env = { RINGFLEET_URL: url, RINGFLEET_TOKEN: ADMIN_TOKEN, HOME: '/nowhere' };
  const signal = new AbortController().signal;
  return { code: await runProgram([registerOperateCommands], args, env, streams, signal), out, err };
}

describe('ringfleet health', () => {
  it('shows what was answered, what failed and how sure that is', async () => {
    const { out } = await ringfleet('health', 'tiny');
    expect(out).toMatch(/^RELEASE +REPORTS .*\n1\.0\.0 +1 +99 +1 +10 \(0\.25 to 54\) .*<= 2\.5 ms/);
    expect((await ringfleet('health', 'other', '--since', '2h')).out).toBe(
      'No device counted anything of other in the last 2h.\n',
    );
  });

  it.each([
    [['health', 'tiny', '--by', 'planet'], '--by planet is none of release, ring, site, hardware'],
    [['health', 'tiny', '--since', 'yesterday'], '--since yesterday is not a duration'],
    [['drift', 'tiny'], 'is not MODEL@VERSION'],
    [['drift', 'tiny@9.9.9'], 'RELEASE_UNKNOWN'],
  ])('%j is refused with words', async (args, words) => {
    const { code, err } = await ringfleet(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(words)]);
  });
});

describe('reports that were not as they should be', () => {
  beforeEach(async () => {
    const bad = report('tele', 2, { ...teleBody(), models: 'none' });
    const dropped = report('tele', 3, { tombstone: { droppedAt: NOW_MS, reason: 'the outbox was full' } });
    await people.stores.reports.ingest('edge-1', [bad, dropped, report('tele', 6, teleBody())], NOW_MS);
  });

  it('are counted and named by `ringfleet quarantine`', async () => {
    const { out } = await ringfleet('quarantine');
    expect(out).toMatch(/^CODE +REPORTS +DEVICES +LAST\nMESSAGE_INVALID +1 +1 .*\nREPORT_DROPPED +1 +1 /);
    expect(out).toMatch(/edge-1 +tele 1\/2 +MESSAGE_INVALID +telemetry: /);
    expect((await ringfleet('quarantine', '--code', 'REPORT_CONFLICT')).out).not.toContain('tele 1/2');
    expect((await ringfleet('quarantine', '--device', 'ghost')).code).not.toBe(0);
  });

  it('are shown with their device, with what is missing and what would help', async () => {
    const { out } = await ringfleet('device', 'show', 'edge-1');
    expect(out).toContain('reports: 1 x REPORT_DROPPED, last at ');
    expect(out).toContain('disk.outboxBytes');
    expect(out).toContain('reports: 2 of tele are missing from number 4 of start 1 on');
  });
});

describe('the machine of a device', () => {
  it('is shown as far as the device knows itself, of its newest heartbeat', async () => {
    const body = teleBody(DIGEST_1, 1);
    const health = {
      agentStarts: 3,
      hottest: { zone: 'cpu', milliCelsius: 71_500 },
      disk: { totalBytes: 8e9, freeBytes: 2e9, inodesFree: 1 },
      link: { name: 'wlan0', signalDbm: -56 },
    };
    const told = { ...body, device: { ...body.device, health } };
    const dropped = { tombstone: { droppedAt: NOW_MS, reason: 'the outbox was full' } };
    await people.stores.reports.ingest(
      'edge-1',
      [report('tele', 2, told), report('tele', 3, dropped)],
      NOW_MS,
    );
    const { out } = await ringfleet('device', 'show', 'edge-1');
    expect(out).toContain(
      'started 3 times, 71.5 degrees at cpu, disk 25 % of 8.0 GB free, link wlan0 (-56 dBm)',
    );
    const series = await people.ask('GET', '/api/v1/devices/edge-1/telemetry?model=tiny');
    expect(series.json().machine).toMatchObject({ agent: { load1: 0 }, health });
  });
});
