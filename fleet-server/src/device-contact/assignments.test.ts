import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair, readStoredAssignment, type Signer, signerOf } from '@ringfleet/shared/trust';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openBlobs } from '../adapters/blobs-fs.ts';
import { openOnlineSigner } from '../adapters/online-signer.ts';
import { openStores } from '../adapters/store-sqlite/index.ts';
import { SILENT } from '../ports/log.ts';
import { CHANGE, enrolled, helloOf, NOW_MS } from '../ports/stores.contract.ts';
import { type Assignments, assignmentMaker } from './assignments.ts';
import { assign, publish } from './device-side-fixture.ts';

const HOUR_MS = 3_600_000;
let folder: string;
let stores: ReturnType<typeof openStores>;
let signer: Signer;
let digest: string;
let nowMs: number;
let maker: Assignments;

beforeEach(async () => {
  nowMs = NOW_MS;
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-assign-'));
  stores = openStores(folder, { log: SILENT });
  signer = await openOnlineSigner(folder);
  digest = await publish(stores, await openBlobs(join(folder, 'blobs')), signer);
  await enrolled(stores);
  await stores.devices.setLabels('edge-1', { ring: 'canary' }, CHANGE);
  maker = assignmentMaker({ fleet: 'lab', stores, signer, clock: () => nowMs, log: SILENT });
});
afterEach(async () => {
  stores.close();
  await rm(folder, { recursive: true });
});

it('gives the same document while nothing changes, also to two who ask at once', async () => {
  const [one, two] = await Promise.all([maker.assignmentFor('edge-1'), maker.assignmentFor('edge-1')]);
  expect(two).toEqual(one);
  nowMs += 11 * HOUR_MS;
  expect(await maker.assignmentFor('edge-1')).toEqual(one);
});

it('signs the same content again, under a higher version, when half of its time is gone', async () => {
  const one = await maker.assignmentFor('edge-1');
  nowMs += 12 * HOUR_MS;
  const two = await maker.assignmentFor('edge-1');
  expect(two.generation).toBe(one.generation);
  expect(two.tufVersion).toBeGreaterThan(one.tufVersion);
  expect(readStoredAssignment(two.document).expires).toBe(nowMs + 24 * HOUR_MS);
});

it('makes a new generation when the content changes, and only then', async () => {
  const one = await maker.assignmentFor('edge-1');
  await assign({ stores, manifestDigest: digest });
  const two = await maker.assignmentFor('edge-1');
  expect(two.generation).toBe(one.generation + 1);
  await assign({ stores, manifestDigest: digest }, 2);
  const three = await maker.assignmentFor('edge-1');
  expect(three.generation).toBe(two.generation + 1);
  expect(readStoredAssignment(three.document).models).toMatchObject([{ model: 'tiny', attempt: 2 }]);
});

it('signs the terms of the ring and the hold of the device, and takes them back, each in a new generation', async () => {
  await assign({ stores, manifestDigest: digest });
  const [before] = await stores.rings.assignments();
  if (!before) throw new Error('nothing is assigned');
  const terms = { maxBytesPerSecond: 9_000, limits: { inferMs: 5 } };
  await stores.rings.assign({ ...before, terms }, CHANGE);
  const one = await maker.assignmentFor('edge-1');
  expect(readStoredAssignment(one.document).models).toMatchObject([terms]);
  const hold = { reason: 'a fair', by: 'ann', sinceMs: NOW_MS };
  await stores.devices.setHold('edge-1', hold, CHANGE);
  const two = await maker.assignmentFor('edge-1');
  expect(two.generation).toBe(one.generation + 1);
  expect(readStoredAssignment(two.document).models).toMatchObject([{ ...terms, hold: true }]);
  await stores.devices.setHold('edge-1', null, CHANGE);
  const three = await maker.assignmentFor('edge-1');
  expect(three.generation).toBe(two.generation + 1);
  expect(readStoredAssignment(three.document).models[0]).not.toHaveProperty('hold');
  const codes = (await stores.events.list({ limit: 3 })).items.map(({ code }) => code);
  expect(codes).toEqual(['DEVICE_RELEASED', 'DEVICE_HELD', 'RING_ASSIGNED']);
});

it('goes on after what the device has accepted already, as after a restore from a backup', async () => {
  await maker.assignmentFor('edge-1');
  await stores.devices.hello('edge-1', helloOf({ generation: 41 }), nowMs);
  expect(await maker.assignmentFor('edge-1')).toMatchObject({ generation: 42 });
  await stores.devices.hello('edge-1', helloOf({ generation: Number.MAX_SAFE_INTEGER }), nowMs);
  expect(await maker.assignmentFor('edge-1')).toMatchObject({ generation: 42 });
});

it('leaves a copied identity what it has', async () => {
  await assign({ stores, manifestDigest: digest });
  const one = await maker.assignmentFor('edge-1');
  await stores.devices.hello('edge-1', helloOf(), nowMs);
  await stores.devices.setConnected('edge-1', true, nowMs);
  const instance = '01980000-0000-7000-8000-0000000000b2';
  expect(await stores.devices.hello('edge-1', helloOf({ instance }), nowMs)).toBe('clone');
  await assign({ stores, manifestDigest: digest }, 2);
  expect(await maker.assignmentFor('edge-1')).toEqual(one);
});

it('never leaves out a model because its facts are missing', async () => {
  await assign({ stores, manifestDigest: digest });
  const withoutRole = { ...stores, trust: { ...stores.trust, get: async (role: string) => lose(role) } };
  const lose = (role: string) => (role === 'm.tiny' ? null : stores.trust.get(role));
  const blind = assignmentMaker({
    fleet: 'lab',
    stores: withoutRole,
    signer,
    clock: () => nowMs,
    log: SILENT,
  });
  await expect(blind.assignmentFor('edge-1')).rejects.toMatchObject({ code: 'RELEASE_NOT_SIGNED' });
  expect(await blind.assignmentsFor(['edge-1'])).toEqual(new Map());
});

it('refuses to sign with a key that the root does not name', async () => {
  const stranger = signerOf(generateKeyPair(new Uint8Array(32).fill(9)).secretKey);
  const other = assignmentMaker({ fleet: 'lab', stores, signer: stranger, clock: () => nowMs, log: SILENT });
  await expect(other.assignmentFor('edge-1')).rejects.toMatchObject({ code: 'ONLINE_KEY_NOT_IN_ROOT' });
});
