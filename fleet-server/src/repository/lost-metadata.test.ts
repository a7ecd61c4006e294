import {
  buildModelRole,
  buildRoot,
  buildTargets,
  buildTimestamp,
  generateKeyPair,
  type Signer,
  signDocument,
  signerOf,
} from '@ringfleet/shared/trust';
import { beforeEach, describe, expect, it } from 'vitest';
import { SILENT } from '../ports/log.ts';
import { lostMetadata, type TakeLost } from './lost-metadata.ts';
import { MemoryTrust } from './memory-trust.fixture.ts';

const NOW_MS = Date.parse('2030-01-01T00:00:00Z');
const NOW_S = NOW_MS / 1000;
const expires = NOW_MS + 86_400_000;
const signer = (seed: number): Signer => signerOf(generateKeyPair(new Uint8Array(32).fill(seed)).secretKey);
const [offline, online, publisher, stranger] = [signer(1), signer(2), signer(3), signer(4)];
const by = (one: Signer) => ({ keys: [one.publicKey], threshold: 1 });

const root = (version: number, signers = [offline]): string => {
  const roles = { root: by(offline), targets: by(offline), snapshot: by(online), timestamp: by(online) };
  const part = buildRoot({
    version,
    expires,
    isDevelopment: true,
    ...roles,
    director: { ...by(online), epoch: 1 },
  });
  return signDocument(part, signers);
};
const targets = (version: number, key = offline): string =>
  signDocument(buildTargets({ version, expires, models: [{ model: 'tiny', ...by(publisher) }] }), [key]);
const model = (version: number, key = publisher, until = expires): string =>
  signDocument(
    buildModelRole({ model: 'tiny', version, expires: until, minReleaseCounter: 1, releases: [] }),
    [key],
  );
const timestamp = (version: number, key = online): string =>
  signDocument(
    buildTimestamp({ version, expires, snapshot: { version: 1, length: 1, sha256: 'ab'.repeat(32) } }),
    [key],
  );

let trust: MemoryTrust;
let outdone: [string, number][];
let take: TakeLost;
beforeEach(async () => {
  trust = new MemoryTrust();
  outdone = [];
  const repository = { outdo: (role: string, version: number) => void outdone.push([role, version]) };
  take = lostMetadata({ trust, repository, onlineKeyId: online.keyid, clock: () => NOW_MS, log: SILENT });
  await trust.put('root', 1, root(1));
  await trust.put('targets', 2, targets(2));
  await trust.put('m.tiny', 3, model(3));
});

describe('a server that lost metadata', () => {
  it('takes back what its signers published since, from the root on', async () => {
    for (const [role, text] of [
      ['root', root(2)],
      ['targets', targets(4)],
      ['m.tiny', model(5)],
    ] as const) {
      expect(await take(role, text, 'd-1')).toBe(true);
      expect(await trust.get(role)).toBe(text);
    }
  });

  it('goes above the versions that it signed itself and does not know any more', async () => {
    expect(await take('timestamp', timestamp(NOW_S + 10), 'd-1')).toBe(true);
    expect(outdone).toEqual([['timestamp', NOW_S + 10]]);
    expect(await trust.get('timestamp')).toBeNull();
  });

  it('leaves alone what is not newer, whoever signed it', async () => {
    expect(await take('m.tiny', model(3), 'd-1')).toBe(false);
    expect(await take('m.tiny', model(2, stranger), 'd-1')).toBe(false);
    expect(await take('targets', targets(1), 'd-1')).toBe(false);
  });

  it.each([
    ['a model signed by a stranger', 'm.tiny', model(4, stranger), 'KEY_UNKNOWN'],
    ['a model past its date', 'm.tiny', model(4, publisher, NOW_MS - 1), 'METADATA_EXPIRED'],
    ['a model that nobody speaks for', 'm.other', model(4), 'MODEL_NOT_DELEGATED'],
    ['targets signed by a publisher', 'targets', targets(4, publisher), 'KEY_UNKNOWN'],
    ['a root that the old one does not name', 'root', root(2, [stranger]), 'KEY_UNKNOWN'],
    ['a root that skips one', 'root', root(3), 'METADATA_NOT_NEWER'],
    ['a timestamp signed by a stranger', 'timestamp', timestamp(NOW_S, stranger), 'KEY_UNKNOWN'],
    ['a timestamp of a far version', 'timestamp', timestamp(NOW_S + 1_000_001), 'METADATA_NOT_NEWER'],
    ['another role', 'm.tiny', targets(9, publisher), 'METADATA_MALFORMED'],
    ['what is no document', 'm.tiny', 'hello', 'METADATA_MALFORMED'],
  ])('refuses %s', async (_, role, text, code) => {
    await expect(take(role, text, 'd-1')).rejects.toMatchObject({ code });
    expect(outdone).toEqual([]);
    expect([await trust.get('root'), await trust.get('m.tiny')]).toEqual([root(1), model(3)]);
  });
});
