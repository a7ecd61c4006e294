import { CodedError } from '../errors/index.ts';
import { parseDocument } from './signed-document.ts';

/**
 * One document with the signatures of several copies of it. `isValid` decides which of a copy's signatures are taken, so
 * that a broken one never stands in the way of a good one. Throws METADATA_MALFORMED when the copies say different things.
 */
export function mergeSignatures(
  texts: readonly [string, ...string[]],
  isValid: (text: string, keyid: string) => boolean,
): string {
  const [first] = texts.map(parseDocument);
  const merged = new Map<string, string>();
  for (const text of texts) {
    const { bytes, signatures } = parseDocument(text);
    if (Buffer.compare(bytes, first?.bytes ?? bytes) !== 0) {
      throw new CodedError('METADATA_MALFORMED', 'the copies of the document say different things');
    }
    for (const { keyid, sig } of signatures) if (isValid(text, keyid)) merged.set(keyid, sig);
  }
  const signatures = [...merged].map(([keyid, sig]) => ({ keyid, sig }));
  return `${JSON.stringify({ signatures, signed: first?.signed }, null, 1)}\n`;
}
