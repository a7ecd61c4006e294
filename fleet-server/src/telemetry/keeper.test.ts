import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openStores } from '../adapters/store-sqlite/index.ts';
import { RETENTION, STEPS } from '../core/telemetry/buckets.ts';
import { SILENT } from '../ports/log.ts';
import { CHANGE, enrolled, NOW_MS, releaseOf, report, teleBody } from '../ports/stores.contract.ts';
import { startTelemetryKeeper } from './keeper.ts';

let folder: string;
let stores: ReturnType<typeof openStores>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-keeper-'));
  stores = openStores(folder, { log: SILENT });
  await enrolled(stores);
  await stores.releases.add(releaseOf(), Buffer.from('{}'), CHANGE);
});
afterEach(async () => {
  stores.close();
  await rm(folder, { recursive: true });
});

const WAIT = { timeout: 20_000, interval: 10 };

let seq = 0;
const query = { model: 'tiny', fromMs: 0, toMs: NOW_MS + STEPS.day, step: 'slot' } as const;
const ringsCounted = async () => {
  seq += 1;
  await stores.reports.ingest('edge-1', [report('tele', seq, teleBody())], NOW_MS);
  return (await stores.telemetry.byGroup(query)).map(({ ring, site }) => `${ring}/${site}`);
};

describe('the keeper of telemetry', () => {
  it('counts a device to the ring it is in now, soon after that changed', async () => {
    const keeper = startTelemetryKeeper({ stores, clock: () => NOW_MS, log: SILENT, everyMs: 5 });
    await vi.waitFor(async () => expect(await ringsCounted()).toContain('/a'), WAIT);
    const canary = {
      name: 'canary',
      ordinal: 1,
      selector: 'site=a',
      devices: [],
      shareBasisPoints: null,
    } as const;
    await stores.rings.put(canary, null, CHANGE);
    await vi.waitFor(async () => expect(await ringsCounted()).toContain('canary/a'), WAIT);
    await keeper.stop();
  });

  it('takes away what is past its time', async () => {
    await ringsCounted();
    const clock = () => NOW_MS + (RETENTION.slotDays + 2) * STEPS.day;
    const keeper = startTelemetryKeeper({ stores, clock, log: SILENT, everyMs: 5 });
    await vi.waitFor(async () => expect(await stores.telemetry.byGroup(query)).toEqual([]), WAIT);
    await keeper.stop();
  });
});
