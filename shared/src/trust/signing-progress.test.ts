import { describe, expect, it } from 'vitest';
import { buildRoot, readRoot } from './root.ts';
import { addSignature, signDocument } from './signed-document.ts';
import { signingProgress } from './signing-progress.ts';
import { rootContent, testSigner } from './trust-fixture.ts';

const [ann, ben, eve] = ['ann', 'ben', 'eve'].map(testSigner) as [
  ReturnType<typeof testSigner>,
  ReturnType<typeof testSigner>,
  ReturnType<typeof testSigner>,
];
const part = buildRoot(rootContent({ root: { keys: [ann.publicKey, ben.publicKey], threshold: 2 } }));

describe('signing progress', () => {
  it('says who signed and who is missing, and counts no stranger', () => {
    const role = readRoot(signDocument(part, [])).roles.root;
    const one = signDocument(part, [ann, eve]);
    expect(signingProgress(one, role)).toEqual({
      signed: [ann.keyid],
      missing: [ben.keyid],
      threshold: 2,
      isMet: false,
    });
    expect(signingProgress(addSignature(one, ann), role).isMet).toBe(false);
    expect(signingProgress(addSignature(one, ben), role)).toMatchObject({ missing: [], isMet: true });
  });

  it('counts a signature that does not fit as missing', () => {
    const text = signDocument(part, [ann, ben]);
    const changed = JSON.parse(text);
    changed.signed.version = 9;
    const role = readRoot(text).roles.root;
    expect(signingProgress(JSON.stringify(changed), role)).toMatchObject({ signed: [], isMet: false });
  });

  it('counts one key under two ids once', () => {
    const twice = new Map(
      [...readRoot(signDocument(part, [])).roles.root.keys.keys()].map((id) => [id, ann.publicKey]),
    );
    const text = JSON.parse(signDocument(part, [ann]));
    text.signatures.push({ ...text.signatures[0], keyid: ben.keyid });
    expect(signingProgress(JSON.stringify(text), { keys: twice, threshold: 2 }).isMet).toBe(false);
  });
});
