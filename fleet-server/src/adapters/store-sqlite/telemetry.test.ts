import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RETENTION, STEPS } from '../../core/telemetry/buckets.ts';
import { SILENT } from '../../ports/log.ts';
import { CHANGE, enrolled, NOW_MS, releaseOf, report, teleBody } from '../../ports/stores.contract.ts';
import { describeTelemetry } from '../../ports/telemetry.contract.ts';
import { gather } from './gather.ts';
import { openStores } from './index.ts';
import { openDatabase } from './open-database.ts';
import { rollUps } from './roll-ups.ts';
import { telemetryReader } from './telemetry-reader.ts';
import { telemetryRows } from './telemetry-rows.ts';
import { telemetryWriter } from './telemetry-writer.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-telemetry-'));
});
afterEach(() => rm(folder, { recursive: true }));

describeTelemetry('SQLite', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'ringfleet-telemetry-'));
  const stores = openStores(dataDir, { log: SILENT });
  const dispose = async (): Promise<void> => {
    stores.close();
    await rm(dataDir, { recursive: true });
  };
  return { stores, dispose };
});

describe('telemetry.db', () => {
  const path = () => join(folder, 'telemetry.db');
  const row = (seq: number) => ({
    id: report('tele', seq, {}).id,
    atMs: NOW_MS,
    receivedAtMs: NOW_MS,
    sha256: Buffer.from('a'),
    body: '{}',
  });

  it('moves the heartbeats of an earlier version into their days', async () => {
    const old = openDatabase(path(), 'telemetry', 'NORMAL');
    const insert = old.prepare('INSERT INTO telemetry VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?)');
    for (const [id, receivedAtMs] of [
      [7, NOW_MS],
      [8, NOW_MS + STEPS.day],
    ] as const)
      insert.run(id, 'edge-1', 'j', id, NOW_MS, receivedAtMs, Buffer.from('a'), '{}');
    const rows = telemetryRows(old);
    expect(rows.list('edge-1', 99, 9).map(({ id, seq }) => [id, seq])).toEqual([
      [8, 8],
      [7, 7],
    ]);
    rows.insert('edge-1', { ...row(9), receivedAtMs: NOW_MS + STEPS.day });
    expect(telemetryRows(old).list('edge-1', 99, 1)).toMatchObject([{ id: 9 }]);
    old.close();
  });

  it('goes on after a write that failed half-way, tables of that day included', async () => {
    const db = openDatabase(path(), 'telemetry', 'NORMAL');
    const rows = telemetryRows(db);
    const sums = rollUps(db, RETENTION);
    const writer = telemetryWriter(db, rows, sums);
    const beat = { device: 'edge-1', row: row(1), body: teleBody() };
    const broken = { ...beat, row: { ...row(2), atMs: null as unknown as number } };
    expect(() => writer.insert([beat, broken])).toThrow();
    expect(rows.list('edge-1', 99, 9)).toEqual([]);
    writer.insert([beat]);
    expect(rows.list('edge-1', 99, 9)).toHaveLength(1);
    db.close();
  });
});

describe('the reader', () => {
  it('gives a question up that takes too long, and answers the next', async () => {
    const stores = openStores(folder, { log: SILENT });
    await enrolled(stores);
    await stores.releases.add(releaseOf(), Buffer.from('{}'), CHANGE);
    const query = { model: 'tiny', fromMs: 0, toMs: NOW_MS + STEPS.day, step: 'day' } as const;
    const impatient = telemetryReader(join(folder, 'telemetry.db'), 0);
    await expect(impatient.byGroup(query)).rejects.toMatchObject({ code: 'QUERY_TOO_SLOW' });
    await impatient.close();
    await stores.reports.ingest('edge-1', [report('tele', 1, teleBody())], NOW_MS);
    expect(await stores.telemetry.byGroup(query)).toHaveLength(1);
    stores.close();
  });

  it('takes reports while it works on a long question', async () => {
    const stores = openStores(folder, { log: SILENT });
    await enrolled(stores);
    const writer = new BetterSqlite3(join(folder, 'telemetry.db'));
    const insert = writer.prepare("INSERT INTO device_days VALUES (?, 'tiny', 'd', 0, '1.0.0', ?)");
    const body = JSON.stringify({ latencyUs: [], features: [], classes: [], confidence: [] });
    writer.transaction(() => {
      for (let i = 0; i < 20_000; i++) insert.run(`device-${i}`, body);
    })();
    writer.close();
    let isAnswered = false;
    const query = { model: 'tiny', fromMs: 0, toMs: 1, step: 'day' } as const;
    const asked = stores.telemetry.byDevice(query).then((found) => {
      isAnswered = true;
      return found.length;
    });
    let stored = 0;
    for (; !isAnswered && stored < 1_000; stored++) {
      await stores.reports.ingest('edge-1', [report('tele', stored + 1, teleBody())], NOW_MS);
    }
    expect(stored).toBeGreaterThan(1);
    expect(await asked).toBe(20_000);
    stores.close();
  });
});

describe('gathering', () => {
  it('does what comes in one turn at once, in order, and never too much', async () => {
    const sizes: number[] = [];
    const double = gather((items: readonly number[]) => {
      sizes.push(items.length);
      return items.map((item) => item * 2);
    });
    const items = Array.from({ length: 300 }, (_, i) => i);
    expect(await Promise.all(items.map(double))).toEqual(items.map((item) => item * 2));
    expect(sizes).toEqual([256, 44]);
  });
});
