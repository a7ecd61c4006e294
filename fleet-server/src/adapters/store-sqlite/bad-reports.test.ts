import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Envelope, ModelTelemetry } from '@ringfleet/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifestBytes } from '../../api/people-fixture.ts';
import { STEPS } from '../../core/telemetry/buckets.ts';
import { SILENT } from '../../ports/log.ts';
import {
  CHANGE,
  DIGEST_1,
  enrolled,
  NOW_MS,
  releaseOf,
  report,
  running,
  teleBody,
} from '../../ports/stores.contract.ts';
import { openStores } from './index.ts';

let folder: string;
let stores: ReturnType<typeof openStores>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-bad-'));
  stores = openStores(folder, { log: SILENT });
  await enrolled(stores);
  await stores.releases.add(releaseOf('1.0.0', DIGEST_1), profiled(), CHANGE);
});
afterEach(async () => {
  stores.close();
  await rm(folder, { recursive: true });
});

/** Features `x` and `y` of one input, two bins each; two classes and a confidence of two bins. */
function profiled(): Buffer {
  const of = (name: string) => ({
    name,
    edges: [0],
    counts: [500, 500],
    mean: 0,
    standardDeviation: 1,
    min: -9,
    max: 9,
  });
  const feature = (name: string, index: number) => ({ name, input: 'x', kind: 'numeric', index });
  const manifest = JSON.parse(manifestBytes('1.0.0', Buffer.from('a')).toString()) as object;
  return Buffer.from(
    JSON.stringify({
      ...manifest,
      features: [feature('x', 0), feature('y', 1)],
      labels: { output: 'y', names: ['no', 'yes'] },
      profile: { samples: 1_000, features: [of('x'), of('y')], confidence: of('confidence') },
    }),
  );
}

const counted = (name: string, bins: number[], more = {}) => ({
  ...{ name, bins, missing: 0, nonFinite: 0, outOfRange: 0 },
  ...more,
});
const GOOD = {
  latencyUs: [0, 8],
  features: [counted('x', [6, 4]), counted('y', [3, 5], { missing: 2, outOfRange: 1 })],
  classes: [4, 6],
  confidence: [1, 9],
  psi: [{ name: 'x', value: 0.02, samples: 128, g: 2.1, js: 0.1, ks: 0.2 }],
};
const beat = (changes: object = {}, more: object = {}) => {
  const body = teleBody(DIGEST_1, 8);
  const models = body.models.map(
    (model): ModelTelemetry => ({ ...model, ...structuredClone(GOOD), ...changes }),
  );
  return { ...body, models, ...more };
};
/** JSON as it may come off the wire: JSON.stringify could not write this. */
const parsed = (body: unknown, from: string, to: string): unknown =>
  JSON.parse(JSON.stringify(body).replace(from, to));

const ingest = (...envelopes: Envelope[]) => stores.reports.ingest('edge-1', envelopes, NOW_MS);
const tallies = async () =>
  (await stores.reports.intakeOf('edge-1')).tallies.map(({ code, count }) => [code, count]).toSorted();

const one = report('tele', 1, beat());
const YEAR_9999 = 253_402_300_799_999;
const INCONSISTENT = 'REPORT_COUNTS_INCONSISTENT';
const PROFILE = 'REPORT_NOT_OF_PROFILE';

const CASES: readonly (readonly [what: string, code: string, bad: Envelope])[] = [
  ['from the future', 'REPORT_TIME_IMPLAUSIBLE', { ...one, at: NOW_MS + 25 * STEPS.hour }],
  ['from the last moment there is', 'REPORT_TIME_IMPLAUSIBLE', { ...one, at: YEAR_9999 }],
  ['with a negative count', 'MESSAGE_INVALID', report('tele', 1, beat({ answers: -1 }))],
  ['with a fraction of an answer', 'MESSAGE_INVALID', report('tele', 1, beat({ answers: 0.5 }))],
  ['with a negative bin', 'MESSAGE_INVALID', report('tele', 1, beat({ features: [counted('x', [11, -1])] }))],
  ['with a count that no number holds', 'MESSAGE_INVALID', report('tele', 1, beat({ answers: 2 ** 60 }))],
  ['with more than can be counted', 'REPORT_COUNTS_TOO_LARGE', report('tele', 1, beat({ rejected: 2e12 }))],
  [
    'with a bin that would overflow a sum',
    'REPORT_COUNTS_TOO_LARGE',
    report('tele', 1, beat({ features: [counted('x', [Number.MAX_SAFE_INTEGER, 0])] })),
  ],
  [
    'with bins that do not sum to the rows',
    INCONSISTENT,
    report('tele', 1, beat({ features: [counted('x', [6, 4]), counted('y', [3, 5])] })),
  ],
  ['with more errors than requests', INCONSISTENT, report('tele', 1, beat({ degraded: 9 }))],
  [
    'with more values out of range than values',
    INCONSISTENT,
    report('tele', 1, beat({ features: [counted('x', [6, 4], { outOfRange: 11 })] })),
  ],
  ['with more confidences than predictions', INCONSISTENT, report('tele', 1, beat({ confidence: [6, 6] }))],
  [
    'with a feature that is there twice',
    INCONSISTENT,
    report('tele', 1, beat({ features: [counted('x', [6, 4]), counted('x', [6, 4])] })),
  ],
  [
    'with more latency bins than there are',
    INCONSISTENT,
    report('tele', 1, beat({ latencyUs: Array(16).fill(1) })),
  ],
  [
    'with a distance below zero',
    INCONSISTENT,
    report('tele', 1, beat({ psi: [{ name: 'x', value: -0.5, samples: 128 }] })),
  ],
  ['with a moment that is no number', 'MESSAGE_INVALID', report('tele', 1, parsed(beat(), '0.02', 'null'))],
  ['with a moment that is infinite', 'MESSAGE_INVALID', report('tele', 1, parsed(beat(), '0.02', '1e999'))],
  [
    'with a feature that the profile lacks',
    PROFILE,
    report('tele', 1, beat({ features: [counted('z', [6, 4])] })),
  ],
  ['with bins of another profile', PROFILE, report('tele', 1, beat({ features: [counted('x', [6, 3, 1])] }))],
  ['with classes that the release has not', PROFILE, report('tele', 1, beat({ classes: [4, 6, 0] }))],
  ['with a confidence of other bins', PROFILE, report('tele', 1, beat({ confidence: [1, 8, 0] }))],
  ['that is cut', 'MESSAGE_INVALID', report('tele', 1, { from: NOW_MS, to: NOW_MS + 1 })],
  ['that is nothing', 'MESSAGE_INVALID', report('tele', 1, null)],
];

describe('a report', () => {
  it.each(CASES)('%s is kept aside with a code, and what follows is taken', async (_what, code, bad) => {
    const acks = await ingest(bad, report('tele', 2, beat()));
    expect(acks).toMatchObject([{ storedUpTo: 2, quarantined: [{ seq: 1, code }] }]);
    expect(await tallies()).toEqual([[code, 1]]);
    const { items } = await stores.reports.quarantined({ limit: 9, device: 'edge-1', code });
    expect(items).toMatchObject([{ device: 'edge-1', stream: 'tele', start: 1, seq: 1, code }]);
    expect(items[0]?.reason).not.toBe('');
    const range = { model: 'tiny', fromMs: 0, toMs: NOW_MS + STEPS.day, step: 'day' } as const;
    expect(await stores.telemetry.byGroup(range)).toMatchObject([{ counts: { reports: 1, answers: 8 } }]);
    // Sent again, it is answered the same and counted once.
    expect(await ingest(bad)).toMatchObject([{ storedUpTo: 2, quarantined: [{ seq: 1, code }] }]);
    expect(await tallies()).toEqual([[code, 1]]);
  });

  it.each([
    ['1970', 5],
    ['two years ago', NOW_MS - 730 * STEPS.day],
  ])('from %s is taken: a device without a clock is no fault', async (_when, at) => {
    const past = report('tele', 1, beat({}, { from: at, to: at + 1 }), { at });
    expect(await ingest(past)).toMatchObject([{ storedUpTo: 1, quarantined: [] }]);
    expect(await tallies()).toEqual([]);
  });

  it('that is as it should be is taken in every form an agent gives it', async () => {
    const missing = [counted('x', [6, 4], { nonFinite: 3 }), counted('y', [8, 0], { missing: 2 })];
    const alone = { latencyUs: [], features: [], classes: undefined, confidence: undefined, psi: [] };
    const forms = [
      {},
      { features: missing },
      { features: [] },
      { classes: [4, 6], confidence: [0, 0] },
      alone,
    ];
    const sent = forms.map((form, i) => report('tele', i + 1, beat(form)));
    expect(await ingest(...sent)).toMatchObject([{ storedUpTo: forms.length, quarantined: [] }]);
  });

  it('of a release that nobody published tells what runs, and counts for nothing', async () => {
    const stranger = { ...running(DIGEST_1), digest: `sha256:${'9'.repeat(64)}` };
    expect(await ingest(report('tele', 1, beat({ running: stranger })))).toMatchObject([{ quarantined: [] }]);
    expect(await stores.devices.models('edge-1')).toMatchObject([{ running: stranger }]);
    const range = { model: 'tiny', fromMs: 0, toMs: NOW_MS + STEPS.day, step: 'day' } as const;
    expect(await stores.telemetry.byGroup(range)).toEqual([]);
    expect((await stores.reports.intakeOf('edge-1')).tallies).toMatchObject([
      { code: 'REPORT_RELEASE_UNKNOWN', count: 1, reason: `tiny 1.0.0 ${stranger.digest}` },
    ]);
  });

  it('that is replayed or out of order counts once, and its gap is shown until it is filled', async () => {
    await ingest(report('tele', 5, beat()), report('tele', 2, beat()), report('tele', 5, beat()));
    const gap = { stream: 'tele', start: 1, fromSeq: 1, missing: 3 };
    expect((await stores.reports.intakeOf('edge-1')).gaps).toMatchObject([gap]);
    const late = [1, 3, 4, 5, 2].map((seq) => report('tele', seq, beat()));
    expect(await ingest(...late, ...late)).toMatchObject([{ storedUpTo: 5, quarantined: [] }]);
    expect(await stores.reports.intakeOf('edge-1')).toEqual({ tallies: [], gaps: [] });
    expect(await stores.devices.models('edge-1')).toMatchObject([{ answers: 40 }]);
  });

  it('that the device dropped is counted, with its reason', async () => {
    const tombstone = report('tele', 1, { tombstone: { droppedAt: NOW_MS, reason: 'the outbox is full' } });
    await ingest(tombstone);
    await ingest(tombstone);
    expect((await stores.reports.intakeOf('edge-1')).tallies).toMatchObject([
      { code: 'REPORT_DROPPED', count: 1, reason: 'the outbox is full' },
    ]);
  });

  it('of a revoked device is refused, and keeps nobody else from being heard', async () => {
    await enrolled(stores, 'edge-2');
    await stores.identities.end('edge-1', { status: 'revoked', reason: 'stolen' }, CHANGE);
    const sent = ['edge-1', 'edge-2'].map((device) => stores.reports.ingest(device, [one], NOW_MS));
    const [refused, taken] = await Promise.allSettled(sent);
    expect(refused).toMatchObject({ reason: { code: 'DEVICE_REVOKED' } });
    expect(taken).toMatchObject({ value: [{ storedUpTo: 1 }] });
  });

  it('that is bad a thousand times over fills no disk, and is still counted', async () => {
    const bad = Array.from({ length: 1_300 }, (_, i) => report('event', i + 1, null));
    for (let from = 0; from < bad.length; from += 260) await ingest(...bad.slice(from, from + 260));
    expect(await tallies()).toEqual([['MESSAGE_INVALID', 1_300]]);
    expect((await stores.reports.quarantined({ limit: 2_000 })).items).toHaveLength(1_000);
    expect(await stores.reports.intakeOfFleet()).toMatchObject([
      { code: 'MESSAGE_INVALID', count: 1_300, devices: 1 },
    ]);
  });
});
