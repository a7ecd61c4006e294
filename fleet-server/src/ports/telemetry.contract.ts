import type { FeatureCounts, Telemetry } from '@ringfleet/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RETENTION, STEPS } from '../core/telemetry/buckets.ts';
import {
  CHANGE,
  DIGEST_1,
  DIGEST_2,
  enrolled,
  NOW_MS,
  releaseOf,
  report,
  teleBody,
} from './stores.contract.ts';
import type { Stores } from './stores.ts';

const HOUR = STEPS.hour;
const EVER = { model: 'tiny', fromMs: 0, toMs: NOW_MS + 2 * STEPS.day } as const;
const EU = { ring: 'canary', site: 'eu', hardware: 'x64/cpu' };

/** What every implementation of counts by time must do. */
export function describeTelemetry(
  name: string,
  make: () => Promise<{ stores: Stores; dispose: () => Promise<void> }>,
): void {
  describe(`Telemetry: ${name}`, () => {
    let stores: Stores;
    let dispose: () => Promise<void>;
    let seq = 0;
    beforeEach(async () => {
      ({ stores, dispose } = await make());
      await enrolled(stores);
      await stores.releases.add(releaseOf('1.0.0', DIGEST_1), Buffer.from('{}'), CHANGE);
      await stores.releases.add(releaseOf('1.1.0', DIGEST_2), Buffer.from('{}'), CHANGE);
      seq = 0;
    });
    afterEach(() => dispose());

    const feature = (bins: number[]): FeatureCounts => ({
      name: 'x',
      bins,
      missing: 0,
      nonFinite: 0,
      outOfRange: 0,
    });
    const beat = (fromMs: number, answers: number, digest = DIGEST_1, bins: number[] = []): Telemetry => {
      const body = teleBody(digest, answers);
      const features = bins.length > 0 ? [feature(bins)] : [];
      const models = body.models.map((model) => ({ ...model, features }));
      return { ...body, from: fromMs, to: fromMs + 1, models };
    };
    const ingest = async (body: Telemetry, device = 'edge-1', receivedAtMs = NOW_MS) =>
      stores.reports.ingest(device, [report('tele', ++seq, body, { at: body.to })], receivedAtMs);
    const hours = async () =>
      (await stores.telemetry.ofDevice({ ...EVER, device: 'edge-1', step: 'hour' })).map(
        ({ startMs, digest, counts }) => [startMs - NOW_MS, digest, counts.reports, counts.answers],
      );

    it('adds heartbeats by hour and release, in the time they tell of', async () => {
      await ingest(beat(NOW_MS + 1, 10));
      await ingest(beat(NOW_MS + 2, 5));
      await ingest(beat(NOW_MS + 3, 7, DIGEST_2));
      await ingest(beat(NOW_MS - 3 * HOUR, 1));
      expect(await hours()).toEqual([
        [-3 * HOUR, DIGEST_1, 1, 1],
        [0, DIGEST_1, 2, 15],
        [0, DIGEST_2, 1, 7],
      ]);
    });

    it('counts the same heartbeat once, and a tombstone never', async () => {
      const one = [
        report('tele', 1, beat(NOW_MS, 10)),
        report('tele', 2, { tombstone: { droppedAt: NOW_MS, reason: 'the outbox was full' } }),
      ];
      await stores.reports.ingest('edge-1', one, NOW_MS);
      await stores.reports.ingest('edge-1', one, NOW_MS);
      expect(await hours()).toEqual([[0, DIGEST_1, 1, 10]]);
    });

    it.each([
      ['1970', 5],
      ['the far future', NOW_MS + 9 * STEPS.day],
      ['before anything is kept', NOW_MS - (RETENTION.dayDays + 1) * STEPS.day],
    ])('counts what a clock in %s wrote when it was heard', async (_case, fromMs) => {
      const body = beat(fromMs, 10);
      await stores.reports.ingest('edge-1', [report('tele', 1, body, { at: NOW_MS })], NOW_MS);
      expect(await hours()).toEqual([[0, DIGEST_1, 1, 10]]);
    });

    it('keeps only the day of what is too late for the hours', async () => {
      const fromMs = NOW_MS - (RETENTION.hourDays + 5) * STEPS.day;
      await ingest(beat(fromMs, 4));
      expect(await hours()).toEqual([]);
      const days = await stores.telemetry.ofDevice({ ...EVER, device: 'edge-1', step: 'day' });
      expect(days).toMatchObject([{ startMs: fromMs, counts: { answers: 4 } }]);
    });

    it('leaves out counts of a release that nobody published', async () => {
      const stranger = `sha256:${'9'.repeat(64)}`;
      await ingest(beat(NOW_MS, 10));
      await ingest(beat(NOW_MS, 500, stranger));
      expect(await hours()).toEqual([[0, DIGEST_1, 1, 10]]);
    });

    it('merges devices exactly within the group they were in at that time', async () => {
      await enrolled(stores, 'edge-2');
      await stores.telemetry.setGroups(
        new Map([
          ['edge-1', EU],
          ['edge-2', EU],
        ]),
      );
      await ingest(beat(NOW_MS, 10, DIGEST_1, [1, 2, 3]));
      await ingest(beat(NOW_MS, 20, DIGEST_1, [4, 0, 1]), 'edge-2');
      await stores.telemetry.setGroups(new Map([['edge-2', { ...EU, ring: 'fleet' }]]));
      await ingest(beat(NOW_MS, 30, DIGEST_1, [0, 0, 1]), 'edge-2');
      for (const step of ['slot', 'hour', 'day'] as const) {
        expect(await stores.telemetry.byGroup({ ...EVER, step })).toMatchObject([
          { ...EU, startMs: NOW_MS, counts: { answers: 30, features: [feature([5, 2, 4])] } },
          { ...EU, ring: 'fleet', counts: { answers: 30, features: [feature([0, 0, 1])] } },
        ]);
      }
    });

    it('sums each device over a range, of one release when asked', async () => {
      await enrolled(stores, 'edge-2');
      await ingest(beat(NOW_MS - HOUR, 1));
      await ingest(beat(NOW_MS, 2));
      await ingest(beat(NOW_MS, 4, DIGEST_2), 'edge-2');
      const all = await stores.telemetry.byDevice({ ...EVER, step: 'hour' });
      expect(all).toMatchObject([
        { device: 'edge-1', startMs: NOW_MS - HOUR, counts: { answers: 3 } },
        { device: 'edge-2', digest: DIGEST_2, counts: { answers: 4 } },
      ]);
      const narrow = { ...EVER, fromMs: NOW_MS, digest: DIGEST_1, step: 'hour' } as const;
      expect(await stores.telemetry.byDevice(narrow)).toMatchObject([{ counts: { answers: 2 } }]);
    });

    it('takes what comes together from several devices, and refuses only who is unknown', async () => {
      await enrolled(stores, 'edge-2');
      const sent = ['edge-1', 'ghost', 'edge-2'].map((device) => ingest(beat(NOW_MS, 1), device));
      const settled = await Promise.allSettled(sent);
      expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await stores.telemetry.byDevice({ ...EVER, step: 'day' })).toHaveLength(2);
    });

    it('forgets what is past its time, coarse counts last', async () => {
      await ingest(beat(NOW_MS, 10));
      const after = (days: number) =>
        stores.telemetry.dropOld(NOW_MS + days * STEPS.day, new AbortController().signal);
      const left = async () => [
        (await stores.reports.list('edge-1', { limit: 9, stream: 'tele' })).items.length,
        (await stores.telemetry.byGroup({ ...EVER, step: 'slot' })).length,
        (await stores.telemetry.byGroup({ ...EVER, step: 'hour' })).length,
        (await hours()).length,
        (await stores.telemetry.byGroup({ ...EVER, step: 'day' })).length,
      ];
      const kept: number[][] = [];
      for (const days of [
        RETENTION.rawDays,
        RETENTION.rawDays + 1,
        RETENTION.slotDays + 1,
        RETENTION.hourDays + 1,
      ]) {
        await after(days);
        kept.push(await left());
      }
      await after(RETENTION.dayDays + 1);
      expect([...kept, await left()]).toEqual([
        [1, 1, 1, 1, 1],
        [0, 1, 1, 1, 1],
        [0, 0, 1, 1, 1],
        [0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0],
      ]);
      // A heartbeat that comes afterwards opens its tables anew.
      await ingest(beat(NOW_MS, 3));
      expect(await left()).toEqual([1, 1, 1, 1, 1]);
    });
  });
}
