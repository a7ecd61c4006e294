import { canonicalize } from '@tufjs/canonical-json';
import { Type } from 'typebox';
import { CodedError } from '../errors/index.ts';
import { checkerOf } from '../protocol/check.ts';
import { parseStrict } from './strict-json.ts';
import type { SignedPart, Signer } from './types.ts';

const Envelope = Type.Object(
  {
    signatures: Type.Array(
      Type.Object({
        // Other repositories have key ids of other forms, and RSA signatures; an id is only ever looked up.
        keyid: Type.String({ minLength: 1, maxLength: 256 }),
        sig: Type.String({ pattern: '^[0-9a-f]{0,2048}$' }),
      }),
      { maxItems: 64 },
    ),
    signed: Type.Record(Type.String(), Type.Unknown()),
  },
  { additionalProperties: false },
);

/** A document that was parsed and not yet verified: nothing in it may be used but for finding its keys. */
export interface UnverifiedDocument {
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
  readonly signed: SignedPart;
  /** What signatures are made over. */
  readonly bytes: Uint8Array;
}

/** The text of a document: `signed` with one signature per signer. */
export function signDocument(signed: SignedPart, signers: readonly Signer[]): string {
  const bytes = canonicalBytes(signed);
  return write(
    signed,
    signers.map((signer) => signatureBy(signer, bytes)),
  );
}

/** Adds a signature to a document, or replaces the one this key made before. */
export function addSignature(text: string, signer: Signer): string {
  const { signed, signatures, bytes } = parseDocument(text);
  const others = signatures.filter((signature) => signature.keyid !== signer.keyid);
  return write(signed, [...others, signatureBy(signer, bytes)]);
}

/** TUF's canonical JSON (OLPC), the bytes that are signed and hashed. Throws on floats. */
export function canonicalBytes(value: unknown): Uint8Array {
  return Buffer.from(canonicalize(value));
}

/** Parses a document strictly and checks its envelope; the signatures are still to be verified. */
export function parseDocument(text: string): UnverifiedDocument {
  const { signatures, signed } = checkEnvelope(parseStrict(text));
  if (new Set(signatures.map((signature) => signature.keyid)).size !== signatures.length) {
    throw new CodedError('METADATA_MALFORMED', 'the document has two signatures of one key', {
      at: '/signatures',
    });
  }
  return { signatures, signed, bytes: canonicalBytes(signed) };
}

const checkEnvelope = checkerOf(Envelope, 'signed document', 'METADATA_MALFORMED');

const signatureBy = (signer: Signer, bytes: Uint8Array) => ({
  keyid: signer.keyid,
  sig: Buffer.from(signer.sign(bytes)).toString('hex'),
});

const write = (signed: SignedPart, signatures: readonly { keyid: string; sig: string }[]): string =>
  `${JSON.stringify({ signatures, signed }, null, 1)}\n`;
