import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeIdentity } from './adapters/identity.ts';
import { clearForImaging, resetDevice } from './reset-device.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-reset-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('leaves nothing of the identity, the models and the reports', async () => {
  const urls = { apiUrl: 'https://x', mqttUrl: 'mqtts://x', notAfter: 5 };
  const files = { keyPem: 'K', certificatePem: 'C', caPem: 'A' };
  await writeIdentity(dir, { v: 1, fleet: 'lab', device: 'd', ...urls, ...files }, '{}');
  mkdirSync(join(dir, 'blobs'));
  writeFileSync(join(dir, 'blobs', 'model'), 'weights');
  await resetDevice(dir, {});
  expect(readdirSync(dir)).toEqual([]);
});

it('touches no folder that is not an agent’s', async () => {
  writeFileSync(join(dir, 'letters'), 'precious');
  await expect(resetDevice(dir, {})).rejects.toMatchObject({ code: 'NOT_ENROLLED' });
  expect(readdirSync(dir)).toEqual(['letters']);
});

it('leaves nothing of this device for a disk image, enrolled or not', async () => {
  await clearForImaging(join(dir, 'never-there'), {});
  writeFileSync(join(dir, 'letters'), 'precious');
  await expect(clearForImaging(dir, {})).rejects.toMatchObject({ code: 'NOT_ENROLLED' });
  writeFileSync(join(dir, 'providers.json'), 'of this board');
  await clearForImaging(dir, {});
  expect(readdirSync(dir)).toEqual([]);
});
