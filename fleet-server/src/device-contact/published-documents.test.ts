import { buildModelRole, generateKeyPair, signDocument, signerOf } from '@ringfleet/shared/trust';
import { expect, it } from 'vitest';
import { publishedDocuments } from './published-documents.ts';

const signer = signerOf(generateKeyPair(new Uint8Array(32).fill(7)).secretKey);
const roleText = (version: number): string => {
  const release = { version: '1.0.0', releaseCounter: 1, length: 1, sha256: 'a'.repeat(64) };
  const content = { model: 'meter', version, expires: 1e13, minReleaseCounter: 1, releases: [release] };
  return signDocument(buildModelRole(content), [signer]);
};

it('reads a text once, and a newer one at once', async () => {
  let text: string | null = null;
  const documents = publishedDocuments({ get: async () => text, put: async () => undefined });
  expect(await documents.role('meter')).toBeNull();
  text = roleText(1);
  const first = await documents.role('meter');
  expect(first?.version).toBe(1);
  expect(await documents.role('meter')).toBe(first);
  text = roleText(2);
  expect((await documents.role('meter'))?.version).toBe(2);
});
