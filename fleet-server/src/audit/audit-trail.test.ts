import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair, signerOf } from '@ringfleet/shared/trust';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditHash, FIRST_AUDIT_HASH } from '../adapters/store-sqlite/control-database.ts';
import { openStores } from '../adapters/store-sqlite/index.ts';
import { SILENT } from '../ports/log.ts';
import { CHANGE, NOW_MS } from '../ports/stores.contract.ts';
import { AuditTrail } from './audit-trail.ts';
import { CheckpointFile } from './checkpoint-file.ts';

const signer = signerOf(generateKeyPair(randomBytes(32)).secretKey);

let folder: string;
let stores: ReturnType<typeof openStores>;
let trail: AuditTrail;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-audit-'));
  path = join(folder, 'audit', 'checkpoints.jsonl');
  stores = openStores(folder, { log: SILENT });
  trail = new AuditTrail({
    store: stores.audit,
    file: new CheckpointFile(path),
    signer,
    fleet: 'test',
    clock: () => NOW_MS,
    log: SILENT,
  });
  await writeRows(6);
  await trail.checkpoint();
});
afterEach(async () => {
  stores.close();
  await rm(folder, { recursive: true });
});

async function writeRows(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const ring = { name: `r${i}`, ordinal: i, selector: null, devices: [], shareBasisPoints: null };
    await stores.rings.put(ring, null, CHANGE);
  }
}

/** What somebody with the database in hand can do. */
function tamper(sql: string): void {
  const db = new BetterSqlite3(join(folder, 'control.db'));
  db.exec(sql);
  db.close();
}

/** Changes row 2 and computes all hashes again. */
function rewrite(): void {
  const db = new BetterSqlite3(join(folder, 'control.db'));
  db.exec("UPDATE audit_entries SET by_name = 'eve' WHERE seq = 2");
  let previous: Uint8Array = FIRST_AUDIT_HASH;
  for (const row of db.prepare('SELECT * FROM audit_entries ORDER BY seq').all() as Record<
    string,
    unknown
  >[]) {
    const keys = ['at_ms', 'by_kind', 'by_name', 'action', 'target', 'detail'];
    previous = auditHash(previous, JSON.stringify(keys.map((key) => row[key])));
    db.prepare('UPDATE audit_entries SET hash = ? WHERE seq = ?').run(previous, row['seq']);
  }
  db.close();
}

describe('the audit trail', () => {
  it('is whole, and says up to where', async () => {
    expect(await trail.verify()).toMatchObject({ rows: 6, checkpoints: 1, unusable: 0, problem: null });
    await writeRows(1);
    await trail.checkpoint();
    await trail.checkpoint();
    expect((await trail.checkpoints()).map(({ seq }) => seq)).toEqual([6, 7]);
  });

  it.each([
    [
      'a row of the audit log, edited',
      "UPDATE audit_entries SET target = 'x' WHERE seq = 3",
      'AUDIT_ROW_CHANGED',
      3,
    ],
    ['a changed detail', "UPDATE audit_entries SET detail = '{}' WHERE seq = 6", 'AUDIT_ROW_CHANGED', 6],
    ['a changed hash', "UPDATE audit_entries SET hash = x'00' WHERE seq = 1", 'AUDIT_ROW_CHANGED', 1],
    ['a row of the audit log, deleted', 'DELETE FROM audit_entries WHERE seq = 4', 'AUDIT_ROW_MISSING', 4],
    ['a removed start', 'DELETE FROM audit_entries WHERE seq = 1', 'AUDIT_ROW_MISSING', 1],
    [
      'rows of the audit log, reordered',
      'UPDATE audit_entries SET seq = 99 WHERE seq = 2; UPDATE audit_entries SET seq = 2 WHERE seq = 3; UPDATE audit_entries SET seq = 3 WHERE seq = 99',
      'AUDIT_ROW_CHANGED',
      2,
    ],
    [
      'the newest rows of the audit log, cut off',
      'DELETE FROM audit_entries WHERE seq > 4',
      'AUDIT_TAIL_MISSING',
      5,
    ],
    ['an emptied log', 'DELETE FROM audit_entries', 'AUDIT_TAIL_MISSING', 1],
  ])('%s', async (_case, sql, code, seq) => {
    tamper(sql);
    expect((await trail.verify()).problem).toEqual({ code, seq });
  });

  it('an audit log rewritten with fitting hashes', async () => {
    rewrite();
    expect((await trail.verify()).problem).toEqual({ code: 'AUDIT_REWRITTEN', seq: 6 });
  });

  it('finds a truncated tail that was filled up again', async () => {
    tamper('DELETE FROM audit_entries WHERE seq > 4');
    await stores.rings.remove('r0', CHANGE);
    await trail.checkpoint();
    expect((await trail.checkpoints()).map(({ seq }) => seq)).toEqual([6]);
    await stores.rings.remove('r1', CHANGE);
    expect((await trail.verify()).problem).toEqual({ code: 'AUDIT_REWRITTEN', seq: 6 });
  });

  it('goes by a copy kept elsewhere when the file was taken away with the rows', async () => {
    const [copy] = await trail.checkpoints();
    rewrite();
    await rm(path);
    expect((await trail.verify()).problem).toBeNull();
    expect((await trail.verify(copy ? [copy] : [])).problem).toEqual({ code: 'AUDIT_REWRITTEN', seq: 6 });
  });

  it('a forged checkpoint of the audit log', async () => {
    await appendFile(path, '{"v":1,"fle');
    await writeRows(1);
    await trail.checkpoint();
    expect(await trail.verify()).toMatchObject({ checkpoints: 2, unusable: 1, problem: null });
    await writeFile(path, (await readFile(path, 'utf8')).replace(`"atMs":${NOW_MS}`, `"atMs":${NOW_MS - 1}`));
    expect((await trail.verify()).problem).toEqual({ code: 'AUDIT_CHECKPOINT_INVALID', seq: 6 });
  });
});
