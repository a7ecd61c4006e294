import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredMetadata } from '@ringfleet/shared/trust';
import Sqlite, { type Database } from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeTrustMetadataStore } from '../../../shared/src/trust/client/metadata-store.contract.ts';
import { openJournalFiles } from './journal-files.ts';
import { TrustMetadataSqlite } from './trust-metadata-sqlite.ts';

let parent: string;
const closing: (() => void)[] = [];
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'ringfleet-metadata-'));
});
afterAll(() => {
  for (const close of closing) close();
  rmSync(parent, { recursive: true });
});

function open(): { dir: string; db: Database; store: TrustMetadataSqlite } {
  const dir = mkdtempSync(join(parent, 'store-'));
  const files = openJournalFiles(dir);
  closing.push(() => files.close());
  return { dir, db: files.control, store: new TrustMetadataSqlite(files.control) };
}

describeTrustMetadataStore('SQLite', async () => {
  const { store } = open();
  return {
    load: async () => store.load(),
    init: async (root, version) => store.init(root, version),
    keepRoot: async (version, bytes) => store.keepRoot(version, bytes),
    keep: async (role, bytes) => store.keep(role, bytes),
    drop: async (role) => store.drop(role),
  };
});

const text = (bytes: Uint8Array | null | undefined): string => (bytes ? Buffer.from(bytes).toString() : '');

it('a power cut at any byte of a write leaves the state before it, or the whole of it', () => {
  const { dir, db, store } = open();
  store.init(Buffer.from('one'), 1);
  store.keep('timestamp', Buffer.from('before'));
  db.pragma('wal_checkpoint(TRUNCATE)');
  store.keepRoot(2, Buffer.from('two'));
  store.keep('timestamp', Buffer.from('after'.repeat(1_000)));
  const wal = readFileSync(join(dir, 'control.db-wal'));
  const seen = new Set<string>();
  for (let length = 0; length < wal.length + 61; length += 61) {
    const found = cutAt(dir, wal.subarray(0, Math.min(length, wal.length)));
    const [timestamp = ''] = /^[a-z]{5,6}/.exec(text(found.roles.get('timestamp'))) ?? [];
    seen.add(`${text(found.root)} ${found.rootFloor} ${timestamp.slice(0, 5)}`);
  }
  expect([...seen]).toEqual(['one 1 befor', 'two 2 befor', 'two 2 after']);
});

/** What is read after a power cut that left so much of the log. */
function cutAt(dir: string, wal: Uint8Array): StoredMetadata {
  const copy = mkdtempSync(join(parent, 'cut-'));
  copyFileSync(join(dir, 'control.db'), join(copy, 'control.db'));
  writeFileSync(join(copy, 'control.db-wal'), wal);
  const db = new Sqlite(join(copy, 'control.db'));
  try {
    return new TrustMetadataSqlite(db).load();
  } finally {
    db.close();
    rmSync(copy, { recursive: true });
  }
}
