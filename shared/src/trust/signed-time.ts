import { Type } from 'typebox';
import { CodedError } from '../errors/index.ts';
import { checkerOf } from '../protocol/check.ts';
import { EpochMs, Id } from '../protocol/ids.ts';
import { tufTime } from './read-document.ts';
import { verifySignatures } from './signatures.ts';
import { parseDocument } from './signed-document.ts';
import { signingProgress } from './signing-progress.ts';
import type { Role, Root, SignedPart } from './types.ts';

/** A time that the fleet's director signed, and the keys that did. */
export interface SignedTime {
  readonly atMs: number;
  readonly keyids: readonly string[];
}

const TimePart = Type.Object({
  _type: Type.Literal('time'),
  fleet: Id,
  nonce: Type.String({ minLength: 8, maxLength: 128 }),
  at: EpochMs,
});
const checkTime = checkerOf(TimePart, 'signed time', 'METADATA_MALFORMED');

/** The signed part of an answer to `/device/v1/time`. */
export const buildTime = (content: { fleet: string; nonce: string; atMs: number }): SignedPart => ({
  _type: 'time',
  fleet: content.fleet,
  nonce: content.nonce,
  at: content.atMs,
});

/**
 * Checks a signed time: by the director's keys, for this fleet (null: any, before the fleet is known), the answer to this
 * very question, and not beyond the end of the root that names those keys: that is as far as a thief of them can push a
 * device. Throws TIME_OTHER_FLEET, TIME_REPLAYED, TIME_BEYOND_ROOT and the codes of signatures.
 */
export function verifySignedTime(
  root: Root,
  text: string,
  asked: { readonly nonce: string; readonly fleet: string | null },
): SignedTime {
  const document = parseDocument(text);
  verifySignatures('the time', root.director, document);
  const { fleet, nonce, at } = checkTime(document.signed);
  if (asked.fleet !== null && fleet !== asked.fleet) {
    throw new CodedError('TIME_OTHER_FLEET', `the time is signed for fleet ${fleet}`);
  }
  if (nonce !== asked.nonce) throw new CodedError('TIME_REPLAYED');
  if (at >= root.expires) {
    throw new CodedError(
      'TIME_BEYOND_ROOT',
      `the time is ${tufTime(at)}, root version ${root.version} ends at ${tufTime(root.expires)}`,
    );
  }
  return { atMs: at, keyids: signingProgress(text, root.director).signed };
}

/** Whether a kept time still has the director's keys behind it; without them it is forgotten (fast-forward recovery). */
export function isTimeBacked(time: Pick<SignedTime, 'keyids'>, director: Role): boolean {
  const known = time.keyids.flatMap((keyid) => director.keys.get(keyid)?.keyval.public ?? []);
  return new Set(known).size >= director.threshold;
}
