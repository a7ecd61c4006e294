import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { DeviceHttp } from '../../agent/src/adapters/device-http.ts';
import { enroll } from '../../agent/src/adapters/enroll.ts';
import { readIdentity } from '../../agent/src/adapters/identity.ts';
import { lifeOf, renew } from '../../agent/src/adapters/renew.ts';
import { renewalStep } from '../../agent/src/core/renewal.ts';
import { SECRET, startWorld, type World } from '../../fleet-server/src/device-contact/device-side-fixture.ts';
import { CAPABILITIES, tokenLine } from './enrolling.fixture.ts';

const DAY_MS = 86_400_000;
let folder: string;
let stateDir: string;
let nowMs: number;
let world: World;
async function enrolledDaysAgo(days: number): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-renewal-'));
  stateDir = join(folder, 'state');
  // The handshake looks at the real clock: the certificate is made in the past, and today is when it is used.
  nowMs = Date.now() - days * DAY_MS;
  world = await startWorld(undefined, { clock: () => nowMs });
  await enroll({ stateDir, token: await tokenLine(world, SECRET), id: 'edge-1', capabilities: CAPABILITIES });
  nowMs = Date.now();
}
afterEach(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

it.each([
  ['before its end over mTLS', 61, 'due'],
  ['months after its end with the old key', 200, 'ended'],
] as const)('a device renews its certificate %s and is let in again', async (_, day, step) => {
  await enrolledDaysAgo(day);
  const identity = await readIdentity(stateDir);
  expect(renewalStep(lifeOf(identity), nowMs)).toBe(step);
  const { apiUrl, peopleUrl = '' } = identity;
  const renewed = await renew({
    stateDir,
    identity,
    apiUrl,
    peopleUrl,
    hasEnded: step === 'ended',
    nowMs: () => nowMs,
  });

  const kept = await readIdentity(stateDir);
  expect(kept.keyPem.trim()).toBe(renewed.keyPem.trim());
  expect(kept.keyPem).not.toBe(identity.keyPem);
  expect(renewalStep(lifeOf(kept), nowMs)).toBe('keep');
  expect(new X509Certificate(kept.certificatePem).subject).toContain('CN=edge-1');
  const api = new DeviceHttp(identity, apiUrl, { nowMs: () => nowMs });
  api.use(kept);
  await expect(api.assignment(null, AbortSignal.timeout(5_000))).resolves.toMatchObject({ kind: 'document' });
  api.close();
});
