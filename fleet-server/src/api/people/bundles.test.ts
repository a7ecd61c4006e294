import { peekBundle, readRoot, verifyBundle } from '@ringfleet/shared/trust';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MadeBundle } from '../../bundles/bundle-desk.ts';
import { enrolled, CHANGE as STORED } from '../../ports/stores.contract.ts';
import {
  modelRoleText,
  NOW_MS,
  openPeople,
  type PeopleFixture,
  publishTrust,
  rootText,
  uploadRelease,
} from '../people-fixture.ts';

const DAY_MS = 86_400_000;
let people: PeopleFixture;
beforeEach(async () => {
  people = await openPeople();
  await publishTrust(people);
  const metadata = modelRoleText(people.keys, [await uploadRelease(people, '1.0.0', 1)]);
  await people.ask('POST', '/api/v1/releases', { metadata });
  await enrolled(people.stores);
  await enrolled(people.stores, 'edge-2');
  const ring = { name: 'a', ordinal: 1, selector: null, devices: ['edge-1'], shareBasisPoints: null };
  await people.stores.rings.put(ring, null, STORED);
  const digest = (await people.stores.releases.get('tiny', '1.0.0'))?.digest ?? '';
  const assigned = {
    ring: 'a',
    model: 'tiny',
    version: '1.0.0',
    digest,
    attempt: 1,
    rollout: null,
    soak: null,
  };
  await people.stores.rings.assign(assigned, STORED);
});
afterEach(() => people.close());

const make = async (body: object) => {
  const answer = await people.ask('POST', '/api/v1/bundles', { expiresInMs: 30 * DAY_MS, ...body });
  return { status: answer.statusCode, body: answer.json<MadeBundle & { code: string }>() };
};

describe('a bundle', () => {
  it('is signed by the director for the chosen devices, lists every file, and is kept in the audit log', async () => {
    const { status, body } = await make({ devices: ['edge-1'] });
    expect(status).toBe(201);
    const check = { fleet: 'test', device: 'edge-1', nowMs: NOW_MS, last: null };
    const bundle = verifyBundle(readRoot(rootText(people.keys)), body.bundle, check);
    expect(bundle).toMatchObject({ devices: ['edge-1'], expires: NOW_MS + 30 * DAY_MS });
    const small = Object.keys(body.files).toSorted();
    expect(small).toEqual([
      'acks/edge-1.json',
      'assignments/edge-1.json',
      'metadata/1.m.tiny.json',
      'metadata/1.root.json',
      'metadata/1.targets.json',
    ]);
    const artifacts = bundle.files.filter(({ path }) => path.startsWith('artifacts/'));
    expect(bundle.files).toHaveLength(small.length + 2);
    for (const { path, length } of artifacts) {
      const answer = await people.ask('GET', `/api/v1/${path}`);
      expect([answer.statusCode, answer.rawPayload.length]).toEqual([200, length]);
    }
    const audit = await people.ask('GET', '/api/v1/audit?limit=5');
    expect(audit.json().items).toEqual(
      expect.arrayContaining([expect.objectContaining({ target: 'x-ringfleet-bundle', by: 'token:admin' })]),
    );
  });

  it('is newer than every one before it, and so is its assignment', async () => {
    const versions = [];
    for (let i = 0; i < 3; i += 1)
      versions.push(peekBundle((await make({ devices: ['edge-1'] })).body.bundle).version);
    expect(versions).toEqual([versions[0], (versions[0] ?? 0) + 1, (versions[0] ?? 0) + 2]);
  });

  it('takes devices by their labels, and empties those that are to run nothing', async () => {
    const { body } = await make({ selector: 'site=a' });
    expect(body.devices).toEqual(['edge-1', 'edge-2']);
    expect(JSON.parse(body.files['assignments/edge-2.json'] ?? '').signed.targets).toEqual({});
  });

  it('can be looked at before it is made', async () => {
    const answer = await people.ask('GET', '/api/v1/bundles/plan?devices=edge-1,edge-2');
    expect(answer.json()).toMatchObject({ devices: ['edge-1', 'edge-2'], artifacts: [{}, {}] });
    expect(await people.stores.trust.get('x-ringfleet-bundle')).toBeNull();
  });

  it.each([
    ['for nobody', { selector: 'site=b' }, 400, 'BUNDLE_EMPTY'],
    ['for a device that is not enrolled', { devices: ['edge-9'] }, 404, 'DEVICE_UNKNOWN'],
    ['for more than 90 days', { devices: ['edge-1'], expiresInMs: 91 * DAY_MS }, 422, 'BUNDLE_LIFE_TOO_LONG'],
  ])('is not made %s', async (_, body, status, code) => {
    expect(await make(body)).toMatchObject({ status, body: { code } });
  });

  it('is not made for a device that was revoked', async () => {
    await people.stores.identities.end('edge-1', { status: 'revoked', reason: '' }, STORED);
    expect(await make({ devices: ['edge-1'] })).toMatchObject({ body: { code: 'DEVICE_REVOKED' } });
  });
});
