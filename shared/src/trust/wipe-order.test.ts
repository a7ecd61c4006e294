import { describe, expect, it } from 'vitest';
import { addSignature, signDocument } from './signed-document.ts';
import {
  DAY_MS,
  DIRECTOR_SIGNER,
  NOW_MS,
  TARGETS_SIGNER,
  TINY_SIGNER,
  testSigner,
  trustedRoot,
} from './trust-fixture.ts';
import { buildWipeOrder, verifyWipeOrder } from './wipe-order.ts';

const ID = '01980000-0000-7000-8000-000000000009';
const order = {
  order: ID,
  fleet: 'lab',
  devices: ['edge-1', 'edge-2'],
  issuedAt: NOW_MS - DAY_MS,
  expires: NOW_MS + DAY_MS,
  reason: 'sold',
};
const text = (changes: object = {}, signer = TARGETS_SIGNER): string =>
  signDocument({ ...buildWipeOrder(order), ...changes }, [signer]);
const me = { fleet: 'lab', device: 'edge-1', nowMs: NOW_MS, done: [] };
const second = testSigner('targets-2');
const twoOfTwo = trustedRoot({
  targets: { keys: [TARGETS_SIGNER.publicKey, second.publicKey], threshold: 2 },
});

describe('a wipe order', () => {
  it('of the targets role is good for every device that it names', () => {
    expect(verifyWipeOrder(trustedRoot(), text(), me)).toEqual(order);
    expect(verifyWipeOrder(trustedRoot(), text(), { ...me, device: 'edge-2' })).toEqual(order);
    expect(verifyWipeOrder(twoOfTwo, addSignature(text(), second), me)).toEqual(order);
  });

  it.each([
    ['KEY_UNKNOWN', "signed by the server's online key", text({}, DIRECTOR_SIGNER)],
    ['KEY_UNKNOWN', 'signed by the publisher of one model', text({}, TINY_SIGNER)],
    ['SIGNATURE_INVALID', 'altered', text().replace('edge-2', 'edge-3')],
    ['WIPE_NOT_MINE', 'for other devices', text({ devices: ['edge-2'] })],
    ['WIPE_NOT_MINE', 'for another fleet', text({ fleet: 'other' })],
    ['METADATA_EXPIRED', 'past its date', text({ expires: NOW_MS })],
    ['METADATA_MALFORMED', 'that never ends', text({ expires: NOW_MS + 100 * DAY_MS })],
    ['METADATA_MALFORMED', 'that is another document of the role', text({ _type: 'targets' })],
  ])('is refused with %s when it is %s', (code, _, document) => {
    expect(() => verifyWipeOrder(trustedRoot(), document, me)).toThrow(expect.objectContaining({ code }));
  });

  it('is refused below the threshold, and when it was carried out before', () => {
    const refusal = (code: string) => expect.objectContaining({ code });
    expect(() => verifyWipeOrder(twoOfTwo, text(), me)).toThrow(refusal('THRESHOLD_NOT_MET'));
    expect(() => verifyWipeOrder(trustedRoot(), text(), { ...me, done: [ID] })).toThrow(
      refusal('WIPE_REPLAYED'),
    );
  });
});
