import { appendFile, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleContent } from '@ringfleet/shared/trust';
import { peekBundle } from '@ringfleet/shared/trust';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { importBundle } from '../../agent/src/bundle-command.ts';
import { AirGap, agentVerb, MODEL, trustedState } from './airgap.fixture.ts';
import type { LiveAgent } from './live-fleet.ts';

const DAY_MS = 86_400_000;
const until = (check: () => void | Promise<void>, timeout = 20_000) =>
  vi.waitFor(check, { timeout, interval: 100 });

let gap: AirGap;
let stateDir: string;
let agent: LiveAgent;

beforeAll(async () => {
  gap = await AirGap.start();
  // So that there is a version of its role to go back to.
  await gap.publish('0.9.0');
  await gap.publish('1.0.0');
  stateDir = await gap.enroll('edge-1');
  agent = await gap.offlineAgent('edge-1', stateDir);
});
afterAll(async () => {
  await agent?.stop();
  await gap?.stop();
});

interface Status {
  readonly outbox: { readonly rows: number };
  readonly models: readonly { phase: string; committed?: { version: string } | null }[];
}
const status = async (): Promise<Status> => (await agent.status()) as unknown as Status;
const untilCommitted = (version: string) =>
  until(async () =>
    expect((await status()).models).toMatchObject([{ phase: 'idle', committed: { version } }]),
  );

async function take(
  stick: string,
): Promise<{ kind: string; acknowledged: number; results: { reports: number } }> {
  const { code, out, err } = await agentVerb(stateDir, 'import', gap.stick(stick), '--json');
  if (code !== 0) throw new Error(err);
  return JSON.parse(out);
}

describe('a stick between the server and a device without a network', () => {
  it('brings a release that the device commits, and the proof of it back', async () => {
    await gap.export('stick', 'edge-1');
    expect(await take('stick')).toMatchObject({ kind: 'imported', acknowledged: 0 });
    await untilCommitted('1.0.0');

    expect(await take('stick')).toMatchObject({ kind: 'same' });
    const sent = await gap.fleet.must('bundle', 'results', gap.stick('stick'), '--json');
    const [{ reports }] = JSON.parse(sent) as [{ reports: number }];
    expect(reports).toBeGreaterThan(3);
    expect((await gap.fleet.device('edge-1')).models).toMatchObject([
      { running: { version: '1.0.0' }, isCommitted: true },
    ]);
  });

  it('brings the acknowledgements with the next bundle, and the same results twice change nothing', async () => {
    const stored = await storedReports();
    await gap.fleet.must('bundle', 'results', gap.stick('stick'));
    expect(await storedReports()).toEqual(stored);

    const { downloaded } = await gap.export('stick', 'edge-1');
    expect(downloaded).toBe(0);
    const { kind, acknowledged } = await take('stick');
    expect(kind).toBe('imported');
    expect(acknowledged).toBe(stored.length);
  });
});

async function storedReports(): Promise<string[]> {
  const { body } = await gap.fleet.api<{ items: { start: number; stream: string; seq: number }[] }>(
    'devices/edge-1/reports?limit=500',
  );
  return body.items.map(({ start, stream, seq }) => `${start}/${stream}/${seq}`).toSorted();
}

describe('a stick that was tampered with', () => {
  beforeAll(async () => {
    await gap.enroll('edge-2');
    await gap.export('old', 'edge-1');
    await gap.publish('1.1.0');
    await gap.export('good', 'edge-1');
    await gap.export('other', 'edge-2');
  });

  const onStick = (dir: string): Promise<BundleContent> =>
    readFile(join(dir, 'bundle.json'), 'utf8').then(peekBundle);
  /** The largest artifact that the device does not have yet. */
  async function artifact(dir: string): Promise<string> {
    const known = new Set((await onStick(gap.stick('old'))).files.map(({ path }) => path));
    const fresh = (await onStick(dir)).files.filter(({ path }) => path.startsWith('art') && !known.has(path));
    const [largest] = fresh.toSorted((a, b) => b.length - a.length);
    return join(dir, largest?.path ?? 'none');
  }
  const metadata = async (dir: string, part: string): Promise<string> => {
    const name = (await readdir(join(dir, 'metadata'))).find((one) => one.includes(part));
    return join(dir, 'metadata', name ?? 'none');
  };
  async function flip(path: string): Promise<void> {
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await writeFile(path, bytes);
  }
  const assignment = (dir: string): string => join(dir, 'assignments', 'edge-1.json');
  const bundle = (dir: string): string => join(dir, 'bundle.json');

  const attacks: readonly (readonly [string, (dir: string) => Promise<unknown>, string])[] = [
    ['a stick with an altered artifact', async (dir) => flip(await artifact(dir)), 'ARTIFACT_CORRUPT'],
    [
      'a stick with a truncated artifact',
      async (dir) => truncate(await artifact(dir), 10),
      'ARTIFACT_CORRUPT',
    ],
    [
      'a stick with an artifact longer than was signed for',
      async (dir) => appendFile(await artifact(dir), 'x'.repeat(1e6)),
      'ARTIFACT_CORRUPT',
    ],
    ['a stick without one of its artifacts', async (dir) => rm(await artifact(dir)), 'BUNDLE_INCOMPLETE'],
    [
      'a stick whose list was altered after it was signed',
      (dir) => edit(bundle(dir), '"version": ', '"version": 1'),
      'SIGNATURE_INVALID',
    ],
    ['a stick whose list is cut off', (dir) => truncate(bundle(dir), 300), 'METADATA_MALFORMED'],
    [
      'a stick with a list larger than any needs to be',
      (dir) => appendFile(bundle(dir), ' '.repeat(600_000)),
      'METADATA_TOO_LARGE',
    ],
    ['a stick whose export never ended', (dir) => rm(bundle(dir)), 'BUNDLE_MISSING'],
    ['a stick with an altered assignment', (dir) => flip(assignment(dir)), 'BUNDLE_FILE_CORRUPT'],
    ['a stick with a truncated assignment', (dir) => truncate(assignment(dir), 40), 'BUNDLE_FILE_CORRUPT'],
    ['a stick without the assignment that it lists', (dir) => rm(assignment(dir)), 'BUNDLE_INCOMPLETE'],
    [
      'a stick with altered targets metadata',
      async (dir) => flip(await metadata(dir, 'targets')),
      'BUNDLE_FILE_CORRUPT',
    ],
    [
      'a stick without the metadata of the model',
      async (dir) => rm(await metadata(dir, 'm.')),
      'BUNDLE_INCOMPLETE',
    ],
    ['a stick with an altered root', async (dir) => flip(await metadata(dir, 'root')), 'BUNDLE_FILE_CORRUPT'],
    [
      'a stick that makes the device forget reports that nobody stored',
      (dir) => flip(join(dir, 'acks', 'edge-1.json')),
      'BUNDLE_FILE_CORRUPT',
    ],
    [
      'a stick with a link in the place of an artifact',
      async (dir) => relink(await artifact(dir), '/etc/hostname'),
      'BUNDLE_FILE_UNSAFE',
    ],
    [
      'a stick with a link in the place of a folder',
      (dir) => relink(join(dir, 'metadata'), gap.stick('good/metadata')),
      'BUNDLE_FILE_UNSAFE',
    ],
    [
      'a stick whose list, signed with the stolen key of the director, names a file outside of it',
      (dir) =>
        gap.resign(dir, ({ files }) => ({
          files: [...files, { path: 'metadata/../../../etc/passwd', length: 1, sha256: 'ab'.repeat(32) }],
        })),
      'METADATA_MALFORMED',
    ],
    [
      'the stick of another device',
      (dir) => rm(dir, { recursive: true }).then(() => gap.copyOf('other', dir.split('/').at(-1) ?? '')),
      'BUNDLE_NOT_MINE',
    ],
    [
      'a stick for the device of this name in another fleet',
      (dir) => gap.resign(dir, () => ({ fleet: 'other' })),
      'BUNDLE_NOT_MINE',
    ],
    [
      'a stick past its date',
      (dir) => gap.resign(dir, () => ({ issuedAt: Date.now() - 9 * DAY_MS, expires: Date.now() - DAY_MS })),
      'BUNDLE_EXPIRED',
    ],
    [
      'a stick for more than 90 days, signed with the stolen key of the director',
      (dir) => gap.resign(dir, ({ issuedAt }) => ({ expires: issuedAt + 91 * DAY_MS })),
      'BUNDLE_LIFE_TOO_LONG',
    ],
    [
      'a stick that leaves out a model, signed with the stolen key of the director',
      (dir) => gap.resign(dir, ({ meta }) => ({ meta: { 'targets.json': meta['targets.json'] } })),
      'METADATA_NOT_NEWER',
    ],
    [
      'a stick that goes back to an older version of a role, signed with the stolen key of the director',
      (dir) => gap.resign(dir, ({ meta }) => ({ meta: older(meta) })),
      'METADATA_NOT_NEWER',
    ],
  ];

  it.each(attacks)('is refused with nothing changed: %s', async (name, spoil, code) => {
    const dir = await gap.copyOf('good', `attack-${attacks.findIndex(([one]) => one === name)}`);
    await spoil(dir);
    const before = await trustedState(stateDir);
    const options = { dir, stateDir, env: {}, signal: new AbortController().signal };
    await expect(importBundle(options)).rejects.toMatchObject({ code });
    expect(await trustedState(stateDir)).toBe(before);
  });

  it('changes nothing about the good one', async () => {
    expect(await take('good')).toMatchObject({ kind: 'imported' });
    await untilCommitted('1.1.0');
  });

  it('an older stick than the one that was taken last', async () => {
    const before = await trustedState(stateDir);
    const { code, err } = await agentVerb(stateDir, 'import', gap.stick('old'));
    expect([code, err]).toEqual([3, expect.stringContaining('BUNDLE_REPLAYED')]);
    expect(await trustedState(stateDir)).toBe(before);
  });
});

describe('a device that comes online after all', () => {
  it('sends what nobody carried, and what was carried is stored once', async () => {
    await take('good');
    await gap.fleet.must('bundle', 'results', gap.stick('good'));
    const carried = await storedReports();
    await agent.stop();
    agent = await gap.fleet.startAgent('edge-1', stateDir);
    await until(async () => expect((await status()).outbox.rows).toBeLessThan(3));
    const all = await storedReports();
    expect(all).toEqual(expect.arrayContaining(carried));
    expect(new Set(all).size).toBe(all.length);
    const { body } = await gap.fleet.api<{ items: object[] }>('quarantine?limit=10');
    expect(body.items).toEqual([]);
    expect(await gap.fleet.device('edge-1')).toMatchObject({
      status: 'active',
      models: [{ running: { version: '1.1.0' }, isCommitted: true }],
    });
  });
});

async function edit(path: string, what: string, by: string): Promise<void> {
  await writeFile(path, (await readFile(path, 'utf8')).replace(what, by));
}

async function relink(path: string, to: string): Promise<void> {
  await rm(path, { recursive: true });
  await symlink(to, path);
}

const older = (meta: BundleContent['meta']): BundleContent['meta'] =>
  Object.fromEntries(
    Object.entries(meta).map(([file, one]) => [
      file,
      file === `m.${MODEL}.json` ? { ...one, version: 1 } : one,
    ]),
  );
