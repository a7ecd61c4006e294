import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBlobs } from '../adapters/blobs-fs.ts';
import { openStores } from '../adapters/store-sqlite/index.ts';
import { examineServer } from '../doctor/doctor-command.ts';
import { SILENT } from '../ports/log.ts';
import type { Stores } from '../ports/stores.ts';
import { makeBackup } from './make-backup.ts';
import { restoreBackup } from './restore-backup.ts';

const NOW_MS = Date.parse('2026-05-01T10:00:00Z');
const BY = { by: { kind: 'system', name: 'test', role: 'admin' }, atMs: NOW_MS } as const;
const DIGEST = 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

let folder: string;
let dataDir: string;
let to: string;
let stores: Stores & { close(): void };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rf-backup-'));
  [dataDir, to] = [join(folder, 'data'), join(folder, 'backup')];
  stores = openStores(dataDir, { log: SILENT });
  await mkdir(join(dataDir, 'keys'), { mode: 0o700 });
  await writeFile(join(dataDir, 'keys', 'online.key.json'), 'secret', { mode: 0o600 });
  const blobs = await openBlobs(join(dataDir, 'blobs'));
  await blobs.put(DIGEST, bytesOf('hello'), 10);
  await ring('first');
});
afterEach(async () => {
  stores.close();
  await rm(folder, { recursive: true, force: true });
});

async function* bytesOf(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}
const ring = (name: string) =>
  stores.rings.put({ name, ordinal: 1, selector: null, devices: [], shareBasisPoints: null }, null, BY);
const backUp = (progress = (_what: string, _share: number): void => {}) =>
  makeBackup({
    dataDir,
    to,
    version: '1.0.0',
    fleet: 'lab',
    nowMs: NOW_MS,
    signal: new AbortController().signal,
    progress,
  });
const restore = (isReplacing = false, into = join(folder, 'new')) =>
  restoreBackup({
    from: to,
    dataDir: into,
    isReplacing,
    nowMs: NOW_MS + 1000,
    signal: new AbortController().signal,
    progress: () => {},
  });
const ringsOf = async (path: string): Promise<readonly string[]> => {
  const opened = openStores(path, { log: SILENT });
  try {
    return (await opened.rings.list()).map(({ name }) => name);
  } finally {
    opened.close();
  }
};

describe('a backup', () => {
  it('of a server that goes on writing holds one moment of it, and is for its owner alone', async () => {
    let isDone = false;
    let written = 0;
    const writing = (async () => {
      for (; !isDone; written += 1) {
        await ring(`during-${written}`);
        await new Promise(setImmediate);
      }
    })();
    await backUp();
    isDone = true;
    await writing;
    expect(written).toBeGreaterThan(0);
    await restore();
    expect(await ringsOf(join(folder, 'new'))).toContain('first');
    for (const path of ['backup.json', 'control.db', 'keys/online.key.json'])
      expect((await stat(join(to, path))).mode & 0o777).toBe(0o600);
    expect((await stat(to)).mode & 0o777).toBe(0o700);
  });

  it('that fails half way, or is cancelled, leaves nothing behind', async () => {
    const controller = new AbortController();
    const options = { dataDir, to, version: '1', fleet: 'lab', nowMs: NOW_MS, signal: controller.signal };
    await expect(makeBackup({ ...options, progress: () => controller.abort() })).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['data']);
  });

  it('does not take the place of anything', async () => {
    await mkdir(to);
    await expect(backUp()).rejects.toMatchObject({ code: 'BACKUP_EXISTS' });
    await expect(
      makeBackup({
        dataDir: folder,
        to,
        version: '1',
        fleet: 'lab',
        nowMs: 0,
        signal: new AbortController().signal,
        progress: () => {},
      }),
    ).rejects.toMatchObject({ code: 'STATE_DIR_UNUSABLE' });
  });
});

describe('a restore', () => {
  it('brings back keys, artifacts and databases, and says so in the audit log and to people', async () => {
    await backUp();
    await ring('later');
    const into = join(folder, 'new');
    await restore();
    expect(await readFile(join(into, 'keys', 'online.key.json'), 'utf8')).toBe('secret');
    expect(await (await openBlobs(join(into, 'blobs'))).size(DIGEST)).toBe(5);
    expect(await ringsOf(into)).toEqual(['first']);
    const opened = openStores(into, { log: SILENT });
    const [last] = (await opened.events.list({ limit: 1, cursor: undefined })).items;
    opened.close();
    expect(last).toMatchObject({
      code: 'SERVER_RESTORED',
      sentence: expect.stringContaining('2026-05-01T10:00'),
    });
  });

  it('refuses a running server, and a folder in use until it is told to replace it', async () => {
    await backUp();
    await ring('later');
    await expect(restore(true, dataDir)).rejects.toMatchObject({ code: 'STATE_DIR_IN_USE' });
    stores.close();
    await expect(restore(false, dataDir)).rejects.toMatchObject({ code: 'STATE_DIR_NOT_EMPTY' });
    expect(await ringsOf(dataDir)).toContain('later');
    const { before } = await restore(true, dataDir);
    expect(await ringsOf(dataDir)).toEqual(['first']);
    expect(await ringsOf(before ?? '')).toContain('later');
  });

  it.each([
    ['a file that was changed', (): Promise<void> => appendFile(join(to, 'keys/online.key.json'), 'x')],
    ['a file that is missing', (): Promise<void> => rm(join(to, 'telemetry.db'))],
    ['no list', (): Promise<void> => rm(join(to, 'backup.json'))],
    ['a list that leaves the folder', (): Promise<void> => relist('keys/online.key.json', '../data/x')],
  ])('of a backup with %s changes nothing', async (_, harm) => {
    await backUp();
    await harm();
    await expect(restore()).rejects.toMatchObject({ code: 'BACKUP_INVALID' });
    expect((await readdir(join(folder, 'new')).catch(() => [])).filter((name) => name !== 'lock.db')).toEqual(
      [],
    );
  });

  it('that was cut off keeps the server from starting until it is repeated', async () => {
    await backUp();
    const into = join(folder, 'new');
    await mkdir(join(into, 'restoring', 'new', 'keys'), { recursive: true });
    await mkdir(join(into, 'keys'));
    expect(() => openStores(into, { log: SILENT })).toThrow(
      expect.objectContaining({ code: 'RESTORE_UNFINISHED' }),
    );
    await restore();
    expect(await ringsOf(into)).toEqual(['first']);
  });

  async function relist(path: string, other: string): Promise<void> {
    const file = join(to, 'backup.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace(path, other));
  }
});

describe('the doctor of the server', () => {
  const look = async (dir = dataDir) => {
    const { checks, verdict } = await examineServer({ dataDir: dir, isDeep: true }, {});
    return { verdict, failed: checks.filter(({ state }) => state === 'failed').map(({ saw }) => saw) };
  };

  it('names what is wrong in a data folder, running or not', async () => {
    expect((await look(join(folder, 'none'))).verdict).toBe('ready');
    const { failed } = await look();
    expect(failed).toContainEqual(expect.stringContaining('nobody answers'));
    expect(failed).toContainEqual(expect.stringContaining('ca.*.pem is missing'));
    stores.close();
    await writeFile(join(dataDir, 'control.db'), 'this is no database');
    expect((await look()).failed).toContainEqual(expect.stringContaining('not a database'));
  });
});
