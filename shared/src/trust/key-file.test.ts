import { describe, expect, it } from 'vitest';
import {
  NONCE_BYTES,
  openKeyFile,
  publicKeyFile,
  readPublicKeyFile,
  SALT_BYTES,
  sealKeyFile,
} from './key-file.ts';
import { generateKeyPair, keyIdOf } from './keys.ts';

const code = (code: string) => expect.objectContaining({ code });
const pair = generateKeyPair(new Uint8Array(32).fill(7));
const random = { salt: new Uint8Array(SALT_BYTES).fill(1), nonce: new Uint8Array(NONCE_BYTES).fill(2) };
const file = sealKeyFile(pair.secretKey, 'correct horse', random);

describe('key files', () => {
  it('open with their passphrase and hide the key without it', () => {
    expect(openKeyFile(JSON.parse(JSON.stringify(file)), 'correct horse')).toEqual(pair.secretKey);
    expect(() => openKeyFile(file, 'wrong')).toThrow(code('KEY_PASSPHRASE_WRONG'));
    expect(JSON.stringify(file)).not.toContain(Buffer.from(pair.secretKey).toString('base64').slice(0, 20));
  });

  it('refuse a changed seal, other costs and a foreign key id', () => {
    const flipped = `${file.sealed.startsWith('A') ? 'B' : 'A'}${file.sealed.slice(1)}`;
    expect(() => openKeyFile({ ...file, sealed: flipped }, 'correct horse')).toThrow(
      code('KEY_PASSPHRASE_WRONG'),
    );
    const costly = { ...file, kdf: { ...file.kdf, n: 2 ** 30 } };
    expect(() => openKeyFile(costly, 'correct horse')).toThrow(code('KEY_FILE_INVALID'));
    expect(() => openKeyFile({ ...file, keyid: '00'.repeat(32) }, 'correct horse')).toThrow(
      code('KEY_FILE_INVALID'),
    );
    expect(() => openKeyFile('{}', 'correct horse')).toThrow(code('KEY_FILE_INVALID'));
  });

  it('have a public form for everyone', () => {
    expect(readPublicKeyFile(publicKeyFile(pair.publicKey))).toEqual(pair.publicKey);
    expect(() => readPublicKeyFile({ ...publicKeyFile(pair.publicKey), keyid: '00'.repeat(32) })).toThrow(
      code('KEY_FILE_INVALID'),
    );
  });

  it("give a key its id in TUF's way", () => {
    // sha256 of {"keytype":"ed25519","keyval":{"public":"00…"},"scheme":"ed25519"}, computed with sha256sum.
    const zero = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: '00'.repeat(32) } } as const;
    expect(keyIdOf(zero)).toBe('7f7373360bc914a5d4a7bd87711615178beb6cf52494fcc49082ec65ba62908c');
  });
});
