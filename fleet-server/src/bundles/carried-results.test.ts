import { createPrivateKey, sign } from 'node:crypto';
import { type Results, type ResultsFile, resultsText } from '@ringfleet/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FLEET, startWorld, TestDevice, type World } from '../device-contact/device-side-fixture.ts';
import { helloOf, report, stateBody } from '../ports/stores.contract.ts';
import { resultsTaker, type TakeResults } from './carried-results.ts';

const DAY_MS = 86_400_000;
const BY = { by: { kind: 'person', name: 'ada', role: 'admin' }, atMs: 0 } as const;
let world: World;
let device: TestDevice;
let nowMs: number;
let take: TakeResults;
beforeEach(async () => {
  nowMs = Date.now();
  world = await startWorld();
  device = await TestDevice.enroll(world, 'edge-1');
  const { stores, pki } = world;
  take = resultsTaker({ fleet: FLEET, stores, pki, clock: () => nowMs });
});
afterEach(() => world.stop());

const results = (changes: Partial<Results> = {}): Results => ({
  v: 1,
  at: nowMs,
  hello: helloOf({ at: nowMs }),
  reports: [report('state', 1, stateBody(), { at: nowMs }), report('state', 2, stateBody(), { at: nowMs })],
  waiting: 3,
  ...changes,
});
function signed(by: TestDevice, content: object = results(), claims: Partial<ResultsFile> = {}): ResultsFile {
  const payload = JSON.stringify(content);
  const text = Buffer.from(resultsText(FLEET, by.id, payload));
  const signature = sign('sha256', text, createPrivateKey(by.tls.key)).toString('base64');
  const file = { v: 1 as const, fleet: FLEET, device: by.id, certificate: by.tls.cert, signature, payload };
  return { ...file, ...claims };
}
const storedStates = async (id = 'edge-1') =>
  (await world.stores.reports.list(id, { limit: 100, stream: 'state' })).items.map(({ seq }) => seq);
const refused = (code: string) => expect.objectContaining({ code });

describe('results that were carried by hand', () => {
  it('are taken in under the device that signed them, once, and acknowledged with its next bundle', async () => {
    const file = signed(device);
    expect(await take(file)).toMatchObject({ device: 'edge-1', reports: 2, quarantined: 0, waiting: 3 });
    await take(file);
    expect(await storedStates()).toEqual([2, 1]);
    expect(await world.stores.reports.acknowledgements('edge-1')).toMatchObject([
      { stream: 'state', start: 1, storedUpTo: 2, quarantined: [] },
    ]);
  });

  it.each([
    ['altered', () => signed(device, results(), { payload: JSON.stringify(results({ waiting: 4 })) })],
    ['that name another device', () => signed(device, results(), { device: 'edge-2' })],
    ['of another fleet', () => signed(device, results(), { fleet: 'other' })],
    ['without a certificate of ours', () => signed(device, results(), { certificate: 'none' })],
  ])('are refused: %s', async (_, make) => {
    await expect(take(make())).rejects.toThrow(refused('RESULTS_REFUSED'));
    expect(await storedStates()).toEqual([]);
  });

  it('are refused under the certificate of another device, even one of this fleet', async () => {
    const other = await TestDevice.enroll(world, 'edge-2');
    const stolen = { ...signed(device), signature: signed(other).signature };
    await expect(take(stolen)).rejects.toThrow(refused('RESULTS_REFUSED'));
    await expect(take(signed(other, results(), { device: 'edge-1' }))).rejects.toThrow(
      refused('RESULTS_REFUSED'),
    );
    expect(await storedStates('edge-1')).toEqual([]);
  });

  it('are refused once the device is revoked', async () => {
    await world.stores.identities.end('edge-1', { status: 'revoked', reason: 'stolen' }, BY);
    await expect(take(signed(device))).rejects.toThrow(refused('DEVICE_REVOKED'));
  });

  it('are taken a year after the certificate ended, and no longer', async () => {
    nowMs = Date.now() + 400 * DAY_MS;
    expect(await take(signed(device))).toMatchObject({ reports: 2 });
    nowMs = Date.now() + 500 * DAY_MS;
    await expect(take(signed(device))).rejects.toThrow(refused('RESULTS_REFUSED'));
  });

  it('are checked against their schema', async () => {
    await expect(take(signed(device, { v: 2 }))).rejects.toThrow(refused('MESSAGE_INVALID'));
  });
});
