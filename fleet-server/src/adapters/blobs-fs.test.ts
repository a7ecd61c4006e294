import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeBlobStore } from '../ports/blobs.contract.ts';
import { openBlobs } from './blobs-fs.ts';

describeBlobStore('files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ringfleet-blobs-'));
  return { blobs: await openBlobs(folder), dispose: () => rm(folder, { recursive: true }) };
});

it('removes what an upload that was cut off left behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ringfleet-blobs-'));
  await openBlobs(folder);
  await writeFile(join(folder, 'incoming', 'half'), 'x');
  await openBlobs(folder);
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  await rm(folder, { recursive: true });
});
