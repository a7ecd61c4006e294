import {
  buildModelRole,
  buildRoot,
  buildTargets,
  generateKeyPair,
  type RootContent,
  type Signer,
  signDocument,
  signerOf,
} from '@ringfleet/shared/trust';
import { describe, expect, it } from 'vitest';
import { makeDraft } from './trust-draft.ts';
import { type TrustDocuments, trustStatus } from './trust-status.ts';

const NOW_MS = Date.parse('2030-01-01T00:00:00Z');
const DAY_MS = 86_400_000;
const signer = (n: number): Signer => signerOf(generateKeyPair(new Uint8Array(32).fill(n)).secretKey);
const [ann, ben, online, pub] = [signer(1), signer(2), signer(3), signer(4)];
const keys = (threshold: number, ...signers: Signer[]) => ({
  keys: signers.map((one) => one.publicKey),
  threshold,
});

const root = (changes: Partial<RootContent> = {}, by = [ann, ben]) =>
  signDocument(
    buildRoot({
      version: 2,
      expires: NOW_MS + 300 * DAY_MS,
      isDevelopment: false,
      root: keys(2, ann, ben),
      targets: keys(1, ann),
      snapshot: keys(1, online),
      timestamp: keys(1, online),
      director: { ...keys(1, online), epoch: 1 },
      ...changes,
    }),
    by,
  );
const targets = (by = ann, days = 200) =>
  signDocument(
    buildTargets({
      version: 5,
      expires: NOW_MS + days * DAY_MS,
      models: [{ model: 'tiny', ...keys(1, pub) }],
    }),
    [by],
  );
const release = { version: '1.0.0', releaseCounter: 3, length: 9, sha256: 'ab'.repeat(32) };
const model = (by = pub) =>
  signDocument(
    buildModelRole({
      model: 'tiny',
      version: 7,
      expires: NOW_MS + 100 * DAY_MS,
      minReleaseCounter: 2,
      releases: [release],
    }),
    [by],
  );
const documents = (changes: Partial<TrustDocuments> = {}): TrustDocuments => ({
  root: root(),
  targets: targets(),
  models: new Map([['tiny', model()]]),
  drafts: [],
  names: new Map([[ann.keyid, 'ann']]),
  ...changes,
});
const status = (changes: Partial<TrustDocuments> = {}) => trustStatus(documents(changes), NOW_MS, 'here');

describe('trust status', () => {
  it('shows each role with version, keys, threshold and date', () => {
    const { roles, next } = status();
    expect(roles.map(({ role, version, threshold, state }) => [role, version, threshold, state])).toEqual([
      ['root', 2, 2, 'ok'],
      ['targets', 5, 1, 'ok'],
      ['m.tiny', 7, 1, 'ok'],
      ['snapshot', null, 1, 'online'],
      ['timestamp', null, 1, 'online'],
      ['director', null, 1, 'online'],
    ]);
    expect(roles[1]?.keys).toEqual([{ keyid: ann.keyid, name: 'ann' }]);
    expect(roles[2]).toMatchObject({ minReleaseCounter: 2, releases: 1 });
    expect(next).toBe('Nothing to do: the first date is that of m.tiny, 2030-04-11.');
  });

  it('warns a month before a date, and says that nothing installs after it', () => {
    expect(status({ targets: targets(ann, 31) }).roles[1]?.state).toBe('ok');
    expect(status({ targets: targets(ann, 29) }).next).toContain('targets expires on 2030-01-30');
    const expired = status({ targets: targets(ann, -1) });
    expect(expired.roles[1]?.state).toBe('expired');
    expect(expired.next).toContain('`ringfleet trust targets renew --dir here`');
  });

  it('says what must be signed again after keys have changed', () => {
    expect(status({ targets: targets(ben) }).next).toContain('trust targets renew');
    expect(status({ models: new Map([['tiny', model(ben)]]) }).next).toContain(
      'release renew tiny --trust here',
    );
  });

  it('asks to leave a development root, and to collect the signatures of an open draft first', () => {
    const development = root({ isDevelopment: true, root: keys(1, ann) });
    expect(status({ root: development })).toMatchObject({ isDevelopment: true });
    expect(status({ root: development }).next).toContain('trust root rotate');
    const draft = makeDraft('root', JSON.parse(root({ version: 3 })).signed, development);
    const { next } = status({ root: development, drafts: [{ path: 'here/3.root.draft.json', draft }] });
    expect(next).toContain("0 of 1 (root 2, today's), 0 of 2 (root 3, the new one)");
  });

  it('begins with nothing', () => {
    expect(status({ root: null, targets: null, models: new Map() })).toMatchObject({ roles: [] });
  });
});
