import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeTrustMetadataStore } from '../../../shared/src/trust/client/metadata-store.contract.ts';
import { TrustMetadataFolder } from './trust-metadata-fs.ts';

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'ringfleet-metadata-'));
});
afterAll(() => rm(parent, { recursive: true }));

const folder = (): Promise<string> => mkdtemp(join(parent, 'store-'));

describeTrustMetadataStore('folder', async () => new TrustMetadataFolder(await folder()));

describe('a crash in the middle of a write', () => {
  const before = 'the last good state';
  const after = 'the state that was being written';

  it.each(['timestamp.json', 'root.json', 'root_history/2.root.json'])(
    'to %s leaves what was there, whatever byte it was at',
    async (name) => {
      const dir = await folder();
      const store = new TrustMetadataFolder(dir);
      await store.init(Buffer.from(before), 1);
      await store.keep('timestamp', Buffer.from(before));
      const whole = await store.load();
      for (let length = 0; length <= after.length; length++) {
        // What a power cut leaves of a write: a part of the temporary file, and the name not moved yet.
        await writeFile(join(dir, `${name}.tmp`), after.slice(0, length));
        expect(await store.load()).toEqual(whole);
      }
      await store.keep('timestamp', Buffer.from(after));
      expect((await store.load()).roles.get('timestamp')).toEqual(Buffer.from(after));
    },
  );

  it('between the two files of a root keeps the floor', async () => {
    const dir = await folder();
    const store = new TrustMetadataFolder(dir);
    await store.init(Buffer.from('one'), 1);
    await writeFile(join(dir, 'root_history', '2.root.json'), 'two');
    expect(await store.load()).toMatchObject({ rootFloor: 2, root: Buffer.from('one') });
  });

  it('keeps the floor when the newest root is damaged, and gives the factory copy', async () => {
    const dir = await folder();
    const store = new TrustMetadataFolder(dir);
    await store.init(Buffer.from('one'), 1);
    await store.keepRoot(5, Buffer.from('five'));
    await writeFile(join(dir, 'root.json'), '');
    const { rootFloor, factoryRoot } = await store.load();
    expect([rootFloor, Buffer.from(factoryRoot).toString()]).toEqual([5, 'one']);
    expect(await readFile(join(dir, 'factory', 'root.json'), 'utf8')).toBe('one');
  });
});
