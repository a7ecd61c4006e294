import { Metadata, MetadataKind } from '@tufjs/models';
import { describe, expect, it } from 'vitest';
import { verifyModelRole } from './model-role.ts';
import { addSignature } from './signed-document.ts';
import { verifyTargets } from './targets.ts';
import {
  modelRoleText,
  NOW_MS,
  RELEASE,
  ROOT_SIGNER,
  rootText,
  TARGETS_SIGNER,
  TINY_SIGNER,
  targetsText,
  testSigner,
  trustedRoot,
  trustedTargets,
} from './trust-fixture.ts';

const code = (code: string) => expect.objectContaining({ code });
/** Changes a signed document and leaves its signatures as they are. */
function altered(text: string, change: (signed: Record<string, unknown>) => void): string {
  const document = JSON.parse(text);
  change(document.signed);
  return JSON.stringify(document);
}
const resigned = (text: string, signer: typeof TINY_SIGNER, change: Parameters<typeof altered>[1]): string =>
  addSignature(altered(text, change), signer);

describe('targets', () => {
  it('delegates each model to its publisher', () => {
    const targets = verifyTargets(trustedRoot(), targetsText(), NOW_MS);
    expect([...targets.models.keys()]).toEqual(['tiny', 'keyword']);
    expect([...(targets.models.get('tiny')?.keys.keys() ?? [])]).toContain(TINY_SIGNER.keyid);
  });

  it('leads other TUF clients to the release, ending at its model', () => {
    const root = Metadata.fromJSON(MetadataKind.Root, JSON.parse(rootText()));
    const targets = Metadata.fromJSON(MetadataKind.Targets, JSON.parse(targetsText()));
    const role = Metadata.fromJSON(MetadataKind.Targets, JSON.parse(modelRoleText()));
    const path = `models/tiny/${RELEASE.version}/manifest.json`;
    expect(() => root.verifyDelegate('targets', targets)).not.toThrow();
    expect([...(targets.signed.delegations?.rolesForTarget(path) ?? [])]).toEqual([
      { role: 'm.tiny', terminating: true },
    ]);
    expect(() => targets.verifyDelegate('m.tiny', role)).not.toThrow();
    expect(role.signed.targets[path]).toMatchObject({
      length: RELEASE.length,
      hashes: { sha256: RELEASE.sha256 },
    });
  });

  it('refuses altered bytes, no signature, a key of another role, expiry and an older version', () => {
    const root = trustedRoot();
    const changed = altered(targetsText(), (signed) => Object.assign(signed, { version: 2 }));
    expect(() => verifyTargets(root, changed, NOW_MS)).toThrow(code('SIGNATURE_INVALID'));
    const unsigned = JSON.stringify({ ...JSON.parse(targetsText()), signatures: [] });
    expect(() => verifyTargets(root, unsigned, NOW_MS)).toThrow(code('METADATA_UNSIGNED'));
    const byRoot = addSignature(unsigned, ROOT_SIGNER);
    expect(() => verifyTargets(root, byRoot, NOW_MS)).toThrow(code('KEY_UNKNOWN'));
    expect(() => verifyTargets(root, targetsText({ expires: NOW_MS }), NOW_MS)).toThrow(
      code('METADATA_EXPIRED'),
    );
    expect(() => verifyTargets(root, targetsText(), NOW_MS, 2)).toThrow(code('METADATA_NOT_NEWER'));
    expect(verifyTargets(root, targetsText(), NOW_MS, 1).version).toBe(1);
  });

  it('refuses another kind of document and delegations that are not of one model', () => {
    const root = trustedRoot({ targets: { keys: [ROOT_SIGNER.publicKey], threshold: 1 } });
    expect(() => verifyTargets(root, rootText(), NOW_MS)).toThrow(code('METADATA_MALFORMED'));
    const wider = resigned(targetsText(), TARGETS_SIGNER, (signed) => {
      const { delegations } = signed as { delegations: { roles: { paths: string[] }[] } };
      delegations.roles[0]?.paths.push('models/keyword/*/*');
    });
    expect(() => verifyTargets(trustedRoot(), wider, NOW_MS)).toThrow(code('METADATA_MALFORMED'));
  });
});

describe('model role', () => {
  const verify = (text: string, lastVersion?: number) =>
    verifyModelRole(trustedTargets(), 'tiny', text, NOW_MS, lastVersion);

  it('lists the releases that its publisher signed', () => {
    expect(verify(modelRoleText())).toMatchObject({
      model: 'tiny',
      version: 4,
      minReleaseCounter: 2,
      releases: [RELEASE],
    });
  });

  it.each([
    [
      'SIGNATURE_INVALID',
      'altered bytes',
      altered(modelRoleText(), (s) => Object.assign(s, { minReleaseCounter: 0 })),
    ],
    ['METADATA_UNSIGNED', 'no signature', modelRoleText({}, [])],
    ['KEY_UNKNOWN', 'the key of another model', modelRoleText({}, [testSigner('keyword')])],
    ['METADATA_MALFORMED', 'metadata of another model', modelRoleText({ model: 'keyword' })],
    ['METADATA_EXPIRED', 'metadata past its date', modelRoleText({ expires: NOW_MS })],
    [
      'METADATA_MALFORMED',
      'a release that is not of the model',
      resigned(modelRoleText(), TINY_SIGNER, (signed) => {
        const { targets } = signed as { targets: Record<string, unknown> };
        targets['models/keyword/1.0.0/manifest.json'] = targets['models/tiny/1.0.0/manifest.json'];
      }),
    ],
    [
      'METADATA_MALFORMED',
      'two releases with one counter',
      modelRoleText({ releases: [RELEASE, { ...RELEASE, version: '1.0.1' }] }),
    ],
    ['METADATA_MALFORMED', 'a signature that is no hex', modelRoleText().replace(/"sig": "../, '"sig": "zz')],
  ])('%s for %s', (expected, _, text) => {
    expect(() => verify(text)).toThrow(code(expected));
  });

  it('refuses an older version than the one already trusted', () => {
    expect(() => verify(modelRoleText(), 5)).toThrow(code('METADATA_NOT_NEWER'));
    expect(verify(modelRoleText(), 4).version).toBe(4);
  });

  it('refuses a model without a delegation', () => {
    expect(() => verifyModelRole(trustedTargets(), 'other', modelRoleText(), NOW_MS)).toThrow(
      code('MODEL_NOT_DELEGATED'),
    );
  });

  it('asks for as many publishers as the delegation says', () => {
    const targets = trustedTargets(2);
    const verifyTwo = (text: string) => verifyModelRole(targets, 'tiny', text, NOW_MS);
    expect(() => verifyTwo(modelRoleText())).toThrow(code('THRESHOLD_NOT_MET'));
    expect(verifyTwo(modelRoleText({}, [TINY_SIGNER, testSigner('tiny-2')])).model).toBe('tiny');
  });

  it('passes with a good signature beside one of a stranger', () => {
    expect(verify(modelRoleText({}, [testSigner('stranger'), TINY_SIGNER])).model).toBe('tiny');
  });

  it('refuses to sign a float', () => {
    expect(() => modelRoleText({ minReleaseCounter: 0.5 })).toThrow();
  });
});
