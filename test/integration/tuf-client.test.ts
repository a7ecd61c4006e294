import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MetaFile } from '@tufjs/models';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runClient } from '../../scripts/tuf/client.ts';
import { noFakeClock } from './fake-clock.ts';
import {
  ecdsaHexKey,
  ecdsaKey,
  ed25519Key,
  NOW_MS,
  rsaKey,
  type TestKey,
  TestRepository,
  underOtherId,
} from './tuf-repository.ts';

const CLIENT = fileURLToPath(new URL('../../scripts/tuf-client', import.meta.url));
const DAY_MS = 86_400_000;
const PAST = '2030-05-01T00:00:00Z';
const PACE = { graceMs: 200, minBytesPerSecond: 100_000 };

let dir: string;
let metadata: string;
let targets: string;
let repo: TestRepository;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rf-tuf-'));
  metadata = join(dir, 'metadata');
  targets = join(dir, 'targets');
  await mkdir(metadata);
  await mkdir(targets);
  await use(new TestRepository());
});

afterEach(async () => {
  repo.close();
  await rm(dir, { recursive: true, force: true });
});

async function use(next: TestRepository): Promise<void> {
  repo?.close();
  repo = next;
  await repo.listen();
  await writeFile(join(dir, 'root.json'), repo.firstRoot);
  await runClient(['--metadata-dir', metadata, 'init', join(dir, 'root.json')], NOW_MS);
}

/** `ok`, or the code of what went wrong. */
const outcome = (run: Promise<void>): Promise<string> =>
  run.then(
    () => 'ok',
    (err: { code?: string; message?: string }) => err.code ?? String(err.message),
  );

const metadataArgs = () => ['--metadata-dir', metadata, '--metadata-url', `${repo.url}/metadata`];

const refresh = (nowMs = NOW_MS): Promise<string> =>
  outcome(runClient([...metadataArgs(), 'refresh'], nowMs, PACE));

const download = (...names: string[]): Promise<string> => {
  const places = ['--target-dir', targets, '--target-base-url', `${repo.url}/targets`];
  const wanted = names.flatMap((name) => ['--target-name', name]);
  return outcome(runClient([...metadataArgs(), ...wanted, ...places, 'download'], NOW_MS, PACE));
};

async function version(role: string): Promise<number | null> {
  const text = await readFile(join(metadata, `${role}.json`), 'utf8').catch(() => null);
  return text === null ? null : JSON.parse(text).signed.version;
}

const versions = () => Promise.all(['root', 'timestamp', 'snapshot', 'targets'].map(version));

const run = (args: readonly string[], ...before: readonly string[]): Promise<number> =>
  new Promise((resolve) => {
    const [program = CLIENT, ...more] = [...before, CLIENT, ...args];
    execFile(program, more, (err) => resolve(err === null ? 0 : Number(err.code)));
  });

describe('the command line', () => {
  it('initialises, refreshes and downloads, and says by its exit code how it went', async () => {
    repo.addTarget('targets', 'path/to/a b.txt', 'content');
    repo.publish();
    expect(await run(['--metadata-dir', metadata, 'init', join(dir, 'root.json')])).toBe(0);
    expect(await run([...metadataArgs(), 'refresh'])).toBe(0);
    expect(await versions()).toEqual([1, 2, 2, 1]);
    const place = ['--target-base-url', `${repo.url}/targets`, '--target-dir', targets];
    expect(await run([...metadataArgs(), '--target-name', 'path/to/a b.txt', ...place, 'download'])).toBe(0);
    expect(await readFile(join(targets, (await readdir(targets))[0] ?? ''), 'utf8')).toBe('content');
    expect(await run([...metadataArgs(), '--target-name', 'none', ...place, 'download'])).toBe(1);
  });

  // As the public conformance suite does it: `faketime -f +Nd` in front of the client.
  it.skipIf(noFakeClock)('takes the time from the system, also from one that was faked', async () => {
    const daysLeft = Math.floor((Date.parse(PAST) - Date.now()) / DAY_MS);
    repo.timestamp.expires = PAST;
    repo.publish();
    const at = (days: number) => run([...metadataArgs(), 'refresh'], 'faketime', '-f', `+${days}d`);
    expect(await at(daysLeft - 1)).toBe(0);
    expect(await at(daysLeft + 1)).toBe(1);
    expect(await run([...metadataArgs(), 'refresh'])).toBe(0);
  });

  it('asks for exactly what the workflow needs, in its order', async () => {
    repo.takeRequests();
    expect(await refresh()).toBe('ok');
    expect(repo.takeRequests()).toEqual([
      '2.root.json',
      'timestamp.json',
      '1.snapshot.json',
      '1.targets.json',
    ]);
    expect(await refresh()).toBe('ok');
    expect(repo.takeRequests()).toEqual(['2.root.json', 'timestamp.json']);
  });

  it('makes no request with a first root that is not signed as it says', async () => {
    const root = JSON.parse(repo.firstRoot.toString());
    root.signatures[0].sig = '00'.repeat(64);
    await writeFile(join(dir, 'bad.json'), JSON.stringify(root));
    await rm(metadata, { recursive: true });
    expect(
      await outcome(runClient(['--metadata-dir', metadata, 'init', join(dir, 'bad.json')], NOW_MS)),
    ).toBe('SIGNATURE_INVALID');
    repo.takeRequests();
    expect(await refresh()).toBe('METADATA_MISSING');
    expect(repo.requests).toEqual([]);
  });

  it.each([
    ['ECDSA on P-256', ecdsaKey],
    ['ECDSA in hex', ecdsaHexKey],
    ['RSA-PSS', rsaKey],
  ])('takes %s keys', async (_, keyOf) => {
    await use(new TestRepository(keyOf));
    expect(await refresh()).toBe('ok');
    repo.rotate('timestamp', keyOf());
    repo.publish();
    expect(await refresh()).not.toBe('ok');
  });

  it('reads a repository without consistent snapshots', async () => {
    await use(new TestRepository(ed25519Key, false));
    repo.addTarget('targets', 'a/b.txt', 'plain');
    (repo.roles.get('targets') as { version: number }).version += 1;
    repo.publish();
    repo.takeRequests();
    expect(await download('a/b.txt')).toBe('ok');
    expect(repo.takeRequests()).toEqual([
      '2.root.json',
      'timestamp.json',
      'snapshot.json',
      'targets.json',
      '/targets/a/b.txt',
    ]);
  });
});

describe('rollback and freeze', () => {
  it('refuses an older timestamp', async () => {
    repo.publish();
    expect(await refresh()).toBe('ok');
    repo.timestamp.version -= 1;
    repo.publishTimestamp();
    expect(await refresh()).toBe('METADATA_NOT_NEWER');
    expect(await version('timestamp')).toBe(2);
  });

  it('keeps its timestamp when another of the same version is shown', async () => {
    expect(await refresh()).toBe('ok');
    repo.timestamp.snapshotMeta = new MetaFile({ version: 100 });
    repo.publishTimestamp();
    expect(await refresh()).toBe('ok');
    expect(await versions()).toEqual([1, 1, 1, 1]);
  });

  it.each([false, true])(
    'refuses an older snapshot under a newer timestamp (hashes: %s)',
    async (withHashes) => {
      repo.withHashes = withHashes;
      repo.publish();
      expect(await refresh()).toBe('ok');
      repo.snapshot.version = 1;
      repo.publishSnapshot();
      expect(await refresh()).toBe('METADATA_NOT_NEWER');
      expect(await versions()).toEqual([1, 2, 2, 1]);
    },
  );

  it.each([false, true])('refuses older targets under a newer snapshot (hashes: %s)', async (withHashes) => {
    repo.withHashes = withHashes;
    const role = repo.roles.get('targets') as { version: number };
    role.version = 3;
    repo.publish();
    expect(await refresh()).toBe('ok');
    role.version = 2;
    repo.publish();
    expect(await refresh()).toBe('METADATA_NOT_NEWER');
    expect(await versions()).toEqual([1, 3, 2, 3]);
  });

  it('refuses a snapshot that no longer lists a role', async () => {
    repo.delegate('targets', 'one', ['one/*']);
    repo.publish();
    expect(await refresh()).toBe('ok');
    delete repo.snapshot.meta['one.json'];
    repo.roles.delete('one');
    repo.publish();
    expect(await refresh()).toBe('METADATA_NOT_NEWER');
  });

  it('stops at each role that is past its date and keeps what it had, the new root excepted', async () => {
    expect(await refresh()).toBe('ok');
    repo.timestamp.expires = PAST;
    repo.publish();
    expect(await refresh()).toBe('METADATA_EXPIRED');
    expect(await versions()).toEqual([1, 1, 1, 1]);
    repo.timestamp.expires = '2031-01-01T00:00:00Z';
    repo.snapshot.expires = PAST;
    repo.publish();
    expect(await refresh()).toBe('METADATA_EXPIRED');
    expect(await versions()).toEqual([1, 3, 1, 1]);
    repo.snapshot.expires = '2031-01-01T00:00:00Z';
    repo.root.expires = PAST;
    repo.publishRoot();
    repo.publish();
    expect(await refresh()).toBe('METADATA_EXPIRED');
    expect(await versions()).toEqual([2, 3, 1, 1]);
  });

  it('is frozen by a timestamp that never changes, and goes on with old files of its own when a fresh one comes', async () => {
    repo.timestamp.expires = '2030-06-08T00:00:00Z';
    repo.publish();
    expect(await refresh()).toBe('ok');
    expect(await refresh(NOW_MS + 18 * DAY_MS)).toBe('METADATA_EXPIRED');
    repo.timestamp.expires = '2030-06-22T00:00:00Z';
    repo.publish();
    expect(await refresh(NOW_MS + 18 * DAY_MS)).toBe('ok');
  });

  it('goes through roots that are past their date to one that is not', async () => {
    repo.root.expires = PAST;
    repo.publishRoot();
    repo.root.expires = '2031-01-01T00:00:00Z';
    repo.publishRoot();
    expect(await refresh()).toBe('ok');
    expect(await version('root')).toBe(3);
  });
});

describe('signatures', () => {
  it.each(['timestamp', 'snapshot', 'targets'] as const)(
    'refuses a %s that a stranger signed',
    async (role) => {
      repo.signers[role] = [ed25519Key()];
      repo.publish();
      expect(await refresh()).toBe('KEY_UNKNOWN');
    },
  );

  it('refuses content that was changed after signing', async () => {
    const text = (repo.files.get('/metadata/timestamp.json') as Buffer).toString();
    repo.files.set('/metadata/timestamp.json', Buffer.from(text.replace('2035', '2036')));
    expect(await refresh()).toBe('SIGNATURE_INVALID');
  });

  it('asks for the threshold of different keys, whatever ids one key goes by', async () => {
    const key = ed25519Key();
    const twins = ['a', 'b', 'c'].map((name) => underOtherId(key, name));
    repo.rotate('snapshot', twins[0] as TestKey);
    for (const twin of twins.slice(1)) repo.addKey('snapshot', twin);
    (repo.root.roles['snapshot'] as { threshold: number }).threshold = 2;
    repo.publishRoot();
    repo.publish();
    expect(await refresh()).toBe('THRESHOLD_NOT_MET');
    repo.addKey('snapshot');
    repo.publishRoot();
    repo.publish();
    expect(await refresh()).toBe('ok');
  });

  it('refuses a document with two signatures of one key id', async () => {
    const text = JSON.parse((repo.files.get('/metadata/timestamp.json') as Buffer).toString());
    text.signatures.push(text.signatures[0]);
    repo.files.set('/metadata/timestamp.json', Buffer.from(JSON.stringify(text)));
    expect(await refresh()).toBe('METADATA_MALFORMED');
  });

  it('takes a new root only from the old keys and the new ones together, with the next version', async () => {
    const old = repo.signers['root'] ?? [];
    repo.rotate('root');
    const fresh = repo.signers['root'] ?? [];
    repo.publishRoot(fresh);
    expect(await refresh()).toBe('KEY_UNKNOWN');
    repo.root.version = 1;
    repo.publishRoot(old);
    expect(await refresh()).toBe('KEY_UNKNOWN');
    repo.root.version = 1;
    repo.publishRoot([...old, ...fresh]);
    expect(await refresh()).toBe('ok');
    expect(await readFile(join(metadata, 'root.json'))).toEqual(repo.files.get('/metadata/2.root.json'));
    repo.root.version = 6;
    repo.publishRoot();
    repo.files.set('/metadata/3.root.json', repo.files.get('/metadata/7.root.json') as Buffer);
    expect(await refresh()).toBe('METADATA_NOT_NEWER');
  });

  it('takes fields it does not know, in keys, roles and documents', async () => {
    Object.assign(repo.root.unrecognizedFields ?? {}, { 'custom-field': ['value', { a: 1 }] });
    for (const key of Object.values(repo.root.keys))
      Object.assign(key.unrecognizedFields ?? {}, { extra: { a: 1 } });
    repo.publishRoot();
    expect(await refresh()).toBe('ok');
  });
});

describe('mix-and-match', () => {
  it.each([
    ['version', false],
    ['hash', true],
  ])('refuses targets of another point in time, by %s', async (_, withHashes) => {
    repo.withHashes = withHashes;
    repo.publish();
    const role = repo.roles.get('targets') as { version: number; expires: string };
    if (withHashes) role.expires = '2034-01-01T00:00:00Z';
    else role.version = 2;
    const before = repo.files.get('/metadata/timestamp.json');
    const snapshotFile = `/metadata/${repo.snapshot.version}.snapshot.json`;
    const snapshot = repo.files.get(snapshotFile);
    repo.publish({ snapshot: false, timestamp: false });
    repo.files.set('/metadata/timestamp.json', before as Buffer);
    repo.files.set(snapshotFile, snapshot as Buffer);
    repo.files.set(
      '/metadata/1.targets.json',
      repo.files.get(`/metadata/${role.version}.targets.json`) as Buffer,
    );
    expect(await refresh()).toBe('METADATA_MISMATCH');
    expect(await version('targets')).toBeNull();
  });

  it('refuses a snapshot that is not the one the timestamp names', async () => {
    repo.snapshot.version += 1;
    repo.publishSnapshot({ timestamp: false });
    repo.timestamp.snapshotMeta = new MetaFile({ version: 1 });
    repo.publishTimestamp();
    repo.files.set('/metadata/1.snapshot.json', repo.files.get('/metadata/2.snapshot.json') as Buffer);
    expect(await refresh()).toBe('METADATA_MISMATCH');
    expect(await versions()).toEqual([1, 1, null, null]);
  });
});

describe('fast-forward recovery', () => {
  it.each([
    ['timestamp', ['timestamp']],
    ['snapshot', ['snapshot', 'timestamp']],
    ['targets', ['snapshot']],
  ] as const)(
    'takes a %s back to low versions once a root removed the keys that raised it',
    async (role, rotated) => {
      const part = role === 'targets' ? (repo.roles.get('targets') as { version: number }) : repo[role];
      part.version = 99_999;
      repo.publish({ snapshot: role !== 'snapshot', timestamp: role !== 'timestamp' });
      expect(await refresh()).toBe('ok');
      part.version = 1;
      repo.publish({ snapshot: role !== 'snapshot', timestamp: role !== 'timestamp' });
      expect(await refresh()).toBe('METADATA_NOT_NEWER');
      for (const one of rotated) repo.rotate(one);
      repo.publishRoot();
      repo.publish({ snapshot: role !== 'snapshot', timestamp: role !== 'timestamp' });
      expect(await refresh()).toBe('ok');
      expect(await version(role)).toBe(1);
    },
  );

  it('keeps a floor that a remaining key stands behind', async () => {
    repo.timestamp.version = 50;
    repo.publishTimestamp();
    expect(await refresh()).toBe('ok');
    repo.addKey('timestamp');
    repo.publishRoot();
    repo.timestamp.version = 1;
    repo.publishTimestamp();
    expect(await refresh()).toBe('METADATA_NOT_NEWER');
  });
});

describe('delegations', () => {
  it('searches them in order and depth first, and ends at a terminating one', async () => {
    repo.delegate('targets', 'A', ['*']);
    repo.delegate('targets', 'B', ['*']);
    repo.delegate('A', 'C', ['*'], true);
    repo.delegate('A', 'D', ['*']);
    repo.delegate('C', 'A', ['*']);
    repo.publish();
    repo.takeRequests();
    expect(await download('missing')).toBe('TARGET_UNKNOWN');
    expect(repo.takeRequests().slice(4)).toEqual(['1.A.json', '1.C.json']);
  });

  it('goes only where paths fit, and a star ends at a slash', async () => {
    repo.delegate('targets', '10', ['releases/*/*']);
    repo.delegate('targets', '2', ['*.md']);
    repo.delegate('10', 'y', ['releases/y/*.zip']);
    repo.addTarget('y', 'releases/y/v1.zip', 'zip');
    repo.addTarget('y', 'releases/z/v1.zip', 'not delegated');
    repo.publish();
    repo.takeRequests();
    expect(await download('releases/y/v1.zip')).toBe('ok');
    expect(repo.takeRequests().slice(4, 6)).toEqual(['1.10.json', '1.y.json']);
    expect(await download('releases/z/v1.zip')).toBe('TARGET_UNKNOWN');
    expect(await readdir(targets)).toEqual(['releases%2Fy%2Fv1.zip']);
  });

  it('bounds how many roles one search visits', async () => {
    for (let i = 0; i < 40; i++) repo.delegate('targets', `r${i}`, ['*']);
    repo.publish();
    repo.takeRequests();
    expect(await download('missing')).toBe('METADATA_TOO_LARGE');
    expect(repo.takeRequests().length).toBe(4 + 32);
  });

  it.each(['?', '#', '/role', '../role'])('keeps a role named %s inside of its folder', async (role) => {
    repo.delegate('targets', role, ['*']);
    repo.publish();
    repo.takeRequests();
    expect(await download('missing')).toBe('TARGET_UNKNOWN');
    expect(repo.takeRequests()).toContain(`1.${encodeURIComponent(role)}.json`);
    expect((await readdir(metadata)).filter((name) => name.endsWith('.json'))).toHaveLength(5);
    expect((await readdir(dir)).sort()).toEqual(['metadata', 'root.json', 'targets']);
  });

  it('finds the bin of a path among hash bins', async () => {
    const key = ed25519Key();
    const parent = repo.roles.get('targets');
    const { Targets } = await import('@tufjs/models');
    const bins = { keyids: [key.key.keyID], threshold: 1, bit_length: 2, name_prefix: 'bin' };
    const delegations = { keys: { [key.key.keyID]: key.key.toJSON() }, succinct_roles: bins };
    const changed = Targets.fromJSON({ ...(parent?.toJSON() as object), delegations } as never);
    repo.roles.set('targets', changed);
    for (const name of changed.delegations?.succinctRoles?.getRoles() ?? []) {
      repo.roles.set(name, new Targets({ version: 1, expires: '2035-01-01T00:00:00Z' } as never));
      repo.signers[name] = [key];
    }
    repo.addTarget(changed.delegations?.succinctRoles?.getRoleForTarget('file') ?? '', 'file', 'in a bin');
    repo.publish();
    expect(await download('file')).toBe('ok');
  });
});

describe('a hostile line', () => {
  it.each(['timestamp.json', '1.snapshot.json', '2.root.json'])('ends an endless %s', async (file) => {
    repo.files.set(`/metadata/${file}`, (response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
        response.once('drain', more);
      };
      more();
    });
    expect(await refresh()).toBe('METADATA_TOO_LARGE');
  });

  it('does not wait for who sends a byte at a time', async () => {
    repo.files.set('/metadata/timestamp.json', (response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(' '), 10);
      response.once('close', () => clearInterval(timer));
    });
    expect(await refresh()).toBe('DOWNLOAD_TOO_SLOW');
    repo.files.set('/metadata/timestamp.json', () => {});
    expect(await refresh()).toBe('DOWNLOAD_TOO_SLOW');
  });

  it('keeps no file that is longer, shorter or other than the one signed for', async () => {
    repo.addTarget('targets', 'a.bin', 'good content');
    repo.publish();
    const path = [...repo.files.keys()].find((name) => name.startsWith('/targets/')) ?? '';
    for (const [content, code] of [
      ['good content and more', 'METADATA_TOO_LARGE'],
      ['good', 'TARGET_MISMATCH'],
      ['evil content', 'TARGET_MISMATCH'],
    ] as const) {
      repo.files.set(path, Buffer.from(content));
      expect(await download('a.bin')).toBe(code);
      expect(await readdir(targets)).toEqual([]);
    }
  });

  it('takes a good file once, and replaces it when the signed one changes', async () => {
    repo.addTarget('targets', 'a.bin', 'one');
    repo.publish();
    expect(await download('a.bin')).toBe('ok');
    repo.takeRequests();
    expect(await download('a.bin')).toBe('ok');
    expect(repo.takeRequests()).not.toContainEqual(expect.stringMatching(/a\.bin/));
    repo.addTarget('targets', 'a.bin', 'two');
    (repo.roles.get('targets') as { version: number }).version += 1;
    repo.publish();
    expect(await download('a.bin')).toBe('ok');
    expect(await readFile(join(targets, 'a.bin'), 'utf8')).toBe('two');
  });
});

describe('damage to the folder', () => {
  it('comes back from any file cut at any byte, and never takes an older root or timestamp', async () => {
    repo.publishRoot();
    repo.publishRoot();
    repo.publish();
    expect(await refresh()).toBe('ok');
    const root = await readFile(join(metadata, 'root.json'));
    for (let length = 0; length < root.length; length += 7) {
      await writeFile(join(metadata, 'root.json'), root.subarray(0, length));
      expect(await refresh(), `root cut at ${length}`).toBe('ok');
      expect(await readFile(join(metadata, 'root.json'))).toEqual(root);
    }
    for (const role of ['timestamp', 'snapshot', 'targets']) {
      const whole = await readFile(join(metadata, `${role}.json`));
      for (let length = 0; length < whole.length; length += 7) {
        await writeFile(join(metadata, `${role}.json`), whole.subarray(0, length));
        expect(await refresh(), `${role} cut at ${length}`).toBe('ok');
        expect(await readFile(join(metadata, `${role}.json`))).toEqual(whole);
      }
    }
  });

  it('does not let a damaged root be the way back to an older one', async () => {
    repo.publishRoot();
    repo.publishRoot();
    expect(await refresh()).toBe('ok');
    await writeFile(join(metadata, 'root.json'), 'x');
    repo.files.delete('/metadata/3.root.json');
    expect(await refresh()).toBe('METADATA_NOT_NEWER');
    expect(await version('timestamp')).toBe(1);
  });
});
