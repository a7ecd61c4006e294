import { Metadata, MetadataKind } from '@tufjs/models';
import { describe, expect, it } from 'vitest';
import { verifyRoot } from './root.ts';
import { addSignature } from './signed-document.ts';
import {
  DAY_MS,
  NOW_MS,
  ROOT_SIGNER,
  rootContent,
  rootText,
  TARGETS_SIGNER,
  testSigner,
} from './trust-fixture.ts';

const code = (code: string) => expect.objectContaining({ code });
const newKey = testSigner('new root');
const byNewKey = { version: 2, root: { keys: [newKey.publicKey], threshold: 1 } };

describe('root', () => {
  it('names the keys of every role, the director and that it is for development', () => {
    const root = verifyRoot(null, rootText(), NOW_MS);
    expect(root).toMatchObject({ version: 1, isDevelopment: true, expires: rootContent().expires });
    expect([...root.roles.targets.keys.keys()]).toEqual([TARGETS_SIGNER.keyid]);
    expect(root.director).toMatchObject({ epoch: 1, threshold: 1 });
    expect(verifyRoot(null, rootText({ isDevelopment: false }), NOW_MS).isDevelopment).toBe(false);
  });

  it('is a root that other TUF clients read and verify, without the director among its roles', () => {
    const metadata = Metadata.fromJSON(MetadataKind.Root, JSON.parse(rootText()));
    expect(() => metadata.verifyDelegate('root', metadata)).not.toThrow();
    expect(Object.keys(metadata.signed.roles)).toEqual(['root', 'targets', 'snapshot', 'timestamp']);
  });

  it('passes to a new key when the old and the new one sign the next version', () => {
    const next = rootText(byNewKey, [ROOT_SIGNER, newKey]);
    expect([...verifyRoot(rootText(), next, NOW_MS).roles.root.keys.keys()]).toEqual([newKey.keyid]);
  });

  it('refuses a next root without the signature of the old key, or of the new one', () => {
    expect(() => verifyRoot(rootText(), rootText(byNewKey, [newKey]), NOW_MS)).toThrow(code('KEY_UNKNOWN'));
    expect(() => verifyRoot(rootText(), rootText(byNewKey, [ROOT_SIGNER]), NOW_MS)).toThrow(
      code('KEY_UNKNOWN'),
    );
  });

  it.each([1, 3, 0])('refuses version %i after version 1', (version) => {
    const expected = version === 0 ? 'METADATA_MALFORMED' : 'METADATA_NOT_NEWER';
    expect(() => verifyRoot(rootText(), rootText({ version }), NOW_MS)).toThrow(code(expected));
  });

  it('counts different keys towards the threshold, once each', () => {
    const two = testSigner('second root');
    const root = { keys: [ROOT_SIGNER.publicKey, two.publicKey], threshold: 2 };
    expect(() => verifyRoot(null, rootText({ root }), NOW_MS)).toThrow(code('THRESHOLD_NOT_MET'));
    const twice = JSON.parse(rootText({ root }));
    twice.signatures.push(twice.signatures[0]);
    expect(() => verifyRoot(null, JSON.stringify(twice), NOW_MS)).toThrow(code('METADATA_MALFORMED'));
    expect(verifyRoot(null, addSignature(rootText({ root }), two), NOW_MS).roles.root.threshold).toBe(2);
  });

  it('counts one key under two ids once', () => {
    const root = { keys: [ROOT_SIGNER.publicKey, testSigner('second root').publicKey], threshold: 2 };
    const document = JSON.parse(rootText({ root }, []));
    const otherId = document.signed.roles.root.keyids.find((id: string) => id !== ROOT_SIGNER.keyid);
    document.signed.keys[otherId] = ROOT_SIGNER.publicKey;
    const signed = JSON.parse(addSignature(JSON.stringify(document), ROOT_SIGNER));
    signed.signatures.push({ ...signed.signatures[0], keyid: otherId });
    expect(() => verifyRoot(null, JSON.stringify(signed), NOW_MS)).toThrow(code('THRESHOLD_NOT_MET'));
  });

  it('refuses an expired root at the end of a chain, not in the middle of one', () => {
    const expired = rootText({ expires: NOW_MS });
    expect(() => verifyRoot(null, expired, NOW_MS)).toThrow(code('METADATA_EXPIRED'));
    expect(verifyRoot(null, expired, null).version).toBe(1);
    expect(verifyRoot(null, rootText({ expires: NOW_MS + DAY_MS }), NOW_MS).version).toBe(1);
  });

  it('refuses a root that names no director', () => {
    const document = JSON.parse(rootText({}, []));
    delete document.signed['x-ringfleet-director'];
    const text = addSignature(JSON.stringify(document), ROOT_SIGNER);
    expect(() => verifyRoot(null, text, NOW_MS)).toThrow(code('METADATA_MALFORMED'));
  });
});
