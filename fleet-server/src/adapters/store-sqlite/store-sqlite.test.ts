import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SILENT } from '../../ports/log.ts';
import {
  CHANGE,
  describeStores,
  enrolled,
  eventBody,
  NOW_MS,
  report,
  teleBody,
} from '../../ports/stores.contract.ts';
import { auditHash, FIRST_AUDIT_HASH } from './control-database.ts';
import { openStores } from './index.ts';

describeStores('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ringfleet-store-'));
  const stores = openStores(folder, { log: SILENT });
  const dispose = async (): Promise<void> => {
    stores.close();
    await rm(folder, { recursive: true });
  };
  return { stores, dispose };
});

describe('a data folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ringfleet-store-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('belongs to one at a time', () => {
    const first = openStores(folder, { log: SILENT });
    expect(() => openStores(folder, { log: SILENT })).toThrow(
      expect.objectContaining({ code: 'STATE_DIR_IN_USE' }),
    );
    first.close();
    openStores(folder, { log: SILENT }).close();
  });

  it('keeps everything over a restart, and nobody connected', async () => {
    const first = openStores(folder, { log: SILENT });
    await enrolled(first);
    await first.devices.setConnected('edge-1', true, NOW_MS);
    await first.reports.ingest('edge-1', [report('event', 1, eventBody())], NOW_MS);
    first.close();
    const second = openStores(folder, { log: SILENT });
    expect(await second.devices.get('edge-1')).toMatchObject({ isConnected: false });
    expect(await second.reports.ingest('edge-1', [report('event', 2, eventBody())], NOW_MS)).toMatchObject([
      { storedUpTo: 2 },
    ]);
    second.close();
  });

  it('takes a heartbeat whose raw row was stored just before a crash once', async () => {
    const first = openStores(folder, { log: SILENT });
    await enrolled(first);
    first.close();
    const beat = report('tele', 1, teleBody());
    // What a kill between the two commits of ingest leaves: the raw row, and no word of it in control.db.
    await copyFile(join(folder, 'control.db'), join(folder, 'before.db'));
    const second = openStores(folder, { log: SILENT });
    await second.reports.ingest('edge-1', [beat], NOW_MS);
    second.close();
    await rename(join(folder, 'before.db'), join(folder, 'control.db'));

    const third = openStores(folder, { log: SILENT });
    expect(await third.devices.models('edge-1')).toEqual([]);
    expect(await third.reports.ingest('edge-1', [beat], NOW_MS)).toMatchObject([
      { storedUpTo: 1, quarantined: [] },
    ]);
    expect((await third.reports.list('edge-1', { limit: 9 })).items).toHaveLength(1);
    expect(await third.devices.models('edge-1')).toMatchObject([{ answers: 10 }]);
    third.close();
  });

  it('chains its audit log', async () => {
    const stores = openStores(folder, { log: SILENT });
    await enrolled(stores);
    await stores.trust.put('root', 1, '{}', CHANGE);
    stores.close();
    const db = new BetterSqlite3(join(folder, 'control.db'), { readonly: true });
    const rows = db
      .prepare('SELECT at_ms, by_kind, by_name, action, target, detail, hash FROM audit_entries ORDER BY seq')
      .raw()
      .all() as [...(string | number)[], Buffer][];
    let previous: Uint8Array = FIRST_AUDIT_HASH;
    for (const row of rows) {
      const hash = row.at(-1) as Buffer;
      expect(hash).toEqual(auditHash(previous, JSON.stringify(row.slice(0, -1))));
      previous = hash;
    }
    expect(rows).toHaveLength(3);
    db.close();
  });

  it('applies a migration that comes later with a lower number than the highest', () => {
    openStores(folder, { log: SILENT }).close();
    const db = new BetterSqlite3(join(folder, 'control.db'));
    db.exec('DROP TABLE refused_contacts; DROP TABLE pending_enrollments');
    db.exec('ALTER TABLE enrollment_tokens DROP COLUMN device');
    db.exec('ALTER TABLE enrollment_tokens DROP COLUMN needs_approval');
    db.prepare('DELETE FROM migrations WHERE number = 30').run();
    const highest = db.pragma('user_version', { simple: true });
    db.close();
    openStores(folder, { log: SILENT }).close();
    const after = new BetterSqlite3(join(folder, 'control.db'));
    expect(after.prepare('SELECT count(*) AS n FROM refused_contacts').get()).toEqual({ n: 0 });
    expect(after.pragma('user_version', { simple: true })).toBe(highest);
    after.close();
  });

  it('takes a folder over that knew only the highest number', () => {
    openStores(folder, { log: SILENT }).close();
    const db = new BetterSqlite3(join(folder, 'control.db'));
    const numbers = db.prepare('SELECT number FROM migrations').all();
    db.exec('DROP TABLE migrations');
    db.close();
    openStores(folder, { log: SILENT }).close();
    const after = new BetterSqlite3(join(folder, 'control.db'));
    expect(after.prepare('SELECT number FROM migrations').all()).toEqual(numbers);
    after.close();
  });

  it('refuses a folder that a newer program wrote', () => {
    openStores(folder, { log: SILENT }).close();
    const db = new BetterSqlite3(join(folder, 'control.db'));
    db.pragma('user_version = 9000');
    db.close();
    expect(() => openStores(folder, { log: SILENT })).toThrow(
      expect.objectContaining({ code: 'STATE_DIR_TOO_NEW' }),
    );
  });
});
