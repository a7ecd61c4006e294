import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DIGEST_1, DIGEST_2, enrolled, releaseOf, report, teleBody } from '../../ports/stores.contract.ts';
import { CHANGE, manifestBytes, NOW_MS, openPeople, type PeopleFixture } from '../people-fixture.ts';

const HOUR = 3_600_000;
let people: PeopleFixture;
let seq = 0;
beforeEach(async () => {
  people = await openPeople();
  seq = 0;
  await enrolled(people.stores);
  await people.stores.releases.add(releaseOf('1.0.0', DIGEST_1), manifestOf('1.0.0', [0]), CHANGE);
  await people.stores.releases.add(releaseOf('1.1.0', DIGEST_2), manifestOf('1.1.0', [0]), CHANGE);
});
afterEach(() => people.close());

function manifestOf(version: string, edges: readonly number[]): Buffer {
  const moments = { mean: 0, standardDeviation: 1, min: -9, max: 9 };
  const profile = { samples: 1_000, features: [{ name: 'x', edges, counts: [500, 500], ...moments }] };
  const features = [{ name: 'x', input: 'x', kind: 'numeric', index: 0 }];
  const manifest = JSON.parse(manifestBytes(version, Buffer.from('a')).toString()) as object;
  return Buffer.from(JSON.stringify({ ...manifest, features, profile }));
}
async function beat(fromMs: number, bins: number[], digest = DIGEST_1, failures = 0): Promise<void> {
  const body = teleBody(digest, 100);
  const features = [{ name: 'x', bins, missing: 0, nonFinite: 0, outOfRange: 0 }];
  const latencyUs = [0, 100];
  const models = body.models.map((model) => ({ ...model, features, failures, latencyUs }));
  seq += 1;
  const one = report('tele', seq, { ...body, from: fromMs, to: fromMs + 1, models }, { at: NOW_MS });
  await people.stores.reports.ingest('edge-1', [one], NOW_MS);
}
const get = async (path: string) => (await people.ask('GET', `/api/v1/${path}`)).json();

describe('health of the fleet', () => {
  it('is that of the last day, by release, unless asked otherwise', async () => {
    await beat(NOW_MS - 1, [50, 50], DIGEST_1, 1);
    await beat(NOW_MS - 26 * HOUR, [50, 50]);
    await beat(NOW_MS, [50, 50], DIGEST_2);
    const day = await get('telemetry/health?model=tiny');
    expect(day).toMatchObject({ step: 'hour', by: 'release', toMs: NOW_MS + 1 });
    expect(day.rows).toMatchObject([
      { key: '1.0.0', answers: 100, failures: 1, latency: { p99AtMostUs: 250 } },
      { key: '1.1.0', answers: 100, failures: 0 },
    ]);
    const week = await get(`telemetry/health?model=tiny&by=ring&lastMs=${7 * 24 * HOUR}`);
    expect(week.rows).toMatchObject([{ key: '', reports: 3, answers: 300 }]);
    expect((await get(`telemetry/health?model=tiny&lastMs=${HOUR}`)).step).toBe('slot');
    expect((await get('telemetry/health?model=other')).rows).toEqual([]);
  });

  it('refuses a range that ends before it begins', async () => {
    const answer = await people.ask('GET', '/api/v1/telemetry/health?model=tiny&fromMs=9&toMs=9');
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'API_REQUEST_INVALID']);
  });
});

describe('drift of the fleet', () => {
  it('is measured against the profile in the signed manifest, or against another release', async () => {
    await beat(NOW_MS, [500, 500]);
    await beat(NOW_MS, [900, 100], DIGEST_2);
    const against = async (query: string) =>
      (await get(`telemetry/drift?model=tiny&version=1.1.0${query}`)).rows[0].features[0];
    expect(await against('')).toMatchObject({ feature: 'x', state: 'measured', samples: 1_000 });
    expect((await against('')).psi).toBeGreaterThan(0.5);
    await beat(NOW_MS, [800, 200]);
    expect((await against('&against=1.0.0')).psi).toBeLessThan((await against('')).psi);
  });

  it.each([
    ['version=9.9.9', 404, 'RELEASE_UNKNOWN'],
    ['version=1.0.0&against=9.9.9', 404, 'RELEASE_UNKNOWN'],
    ['version=1.0.0&by=planet', 400, 'API_REQUEST_INVALID'],
  ])('%s is refused', async (query, status, code) => {
    const answer = await people.ask('GET', `/api/v1/telemetry/drift?model=tiny&${query}`);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
  });
});

describe('telemetry of a device', () => {
  it('comes by hour, or by day over a longer time', async () => {
    await beat(NOW_MS - 20 * HOUR, [1, 1]);
    await beat(NOW_MS, [1, 1]);
    const day = await get('devices/edge-1/telemetry?model=tiny');
    expect(day.buckets.map((bucket: { startMs: number }) => bucket.startMs - NOW_MS)).toEqual([
      -20 * HOUR,
      0,
    ]);
    expect(day.buckets[0]).toMatchObject({ key: '1.0.0', answers: 100 });
    const months = await get(`devices/edge-1/telemetry?model=tiny&lastMs=${60 * 24 * HOUR}`);
    expect([months.step, months.buckets.length]).toEqual(['day', 2]);
    expect((await people.ask('GET', '/api/v1/devices/ghost/telemetry?model=tiny')).statusCode).toBe(404);
  });
});
