import { expect, it } from 'vitest';
import { signDocument } from './signed-document.ts';
import { buildTime, isTimeBacked, type SignedTime, verifySignedTime } from './signed-time.ts';
import { DAY_MS, DIRECTOR_SIGNER, NOW_MS, TINY_SIGNER, testSigner, trustedRoot } from './trust-fixture.ts';
import type { Signer } from './types.ts';

const asked = { nonce: 'just-asked', fleet: 'lab' };
const answer = (changes: object = {}, signer = DIRECTOR_SIGNER): string =>
  signDocument({ ...buildTime({ fleet: 'lab', nonce: asked.nonce, atMs: NOW_MS }), ...changes }, [signer]);
const take = (text: string): SignedTime => verifySignedTime(trustedRoot(), text, asked);

it("takes the director's time, and names who stands behind it", () => {
  expect(take(answer())).toEqual({ atMs: NOW_MS, keyids: [DIRECTOR_SIGNER.keyid] });
});

it.each([
  ['TIME_REPLAYED', 'an answer to an older question', answer({ nonce: 'asked-before' })],
  ['TIME_OTHER_FLEET', 'the time of another fleet', answer({ fleet: 'other' })],
  ['KEY_UNKNOWN', "a publisher's signature", answer({}, TINY_SIGNER)],
  ['SIGNATURE_INVALID', 'an altered time', answer().replace(String(NOW_MS), String(NOW_MS + 1))],
  ['TIME_BEYOND_ROOT', 'a time at the end of the root', answer({ at: NOW_MS + 365 * DAY_MS })],
  ['TIME_BEYOND_ROOT', 'a time in a hundred years', answer({ at: NOW_MS + 36_500 * DAY_MS })],
  ['METADATA_MALFORMED', 'another document of the director', answer({ _type: 'timestamp' })],
  ['METADATA_MALFORMED', 'a time that is none', answer({ at: -1 })],
])('refuses with %s %s', (code, _, text) => {
  expect(() => take(text)).toThrow(expect.objectContaining({ code }));
});

it('needs no fleet before one is known', () => {
  expect(verifySignedTime(trustedRoot(), answer({ fleet: 'any' }), { ...asked, fleet: null }).atMs).toBe(
    NOW_MS,
  );
});

it('is backed for as long as enough of its keys are the director', () => {
  const [ann, ben, eve] = [testSigner('ann'), testSigner('ben'), testSigner('eve')];
  const role = (threshold: number, ...signers: Signer[]) =>
    trustedRoot({ director: { keys: signers.map((one) => one.publicKey), threshold, epoch: 1 } }).director;
  const kept = { keyids: [ann.keyid, eve.keyid] };
  expect(isTimeBacked(kept, role(1, ann, ben))).toBe(true);
  expect(isTimeBacked(kept, role(2, ann, ben))).toBe(false);
  expect(isTimeBacked(kept, role(1, ben))).toBe(false);
});
