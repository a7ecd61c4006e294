import { CodedError } from '../errors/index.ts';

/** Everything signed is far below this; only a peer that means harm sends more. */
export const MAX_METADATA_BYTES = 512 * 1024;
const MAX_DEPTH = 16;

/**
 * Parses JSON that is to be verified: bounded in size and depth, every key once, integers only, no lone surrogates. So
 * one text has one meaning and one canonical form. Throws METADATA_TOO_LARGE or METADATA_MALFORMED.
 */
export function parseStrict(text: string): unknown {
  if (text.length > MAX_METADATA_BYTES || Buffer.byteLength(text) > MAX_METADATA_BYTES) {
    throw new CodedError('METADATA_TOO_LARGE', `the document is larger than ${MAX_METADATA_BYTES} bytes`);
  }
  if (!text.isWellFormed()) throw malformed('the document is not Unicode text');
  const membersInText = scan(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CodedError('METADATA_MALFORMED', 'the document is not JSON', { cause });
  }
  // JSON.parse keeps the last of two equal keys: then the text has more members than the value.
  if (countMembers(value) !== membersInText) throw malformed('an object has the same key twice');
  return value;
}

/** Counts `:` outside of strings, one per member of an object, and refuses nesting and floats on the way. */
function scan(text: string): number {
  let members = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') i = endOfString(text, i);
    else if (char === ':') members++;
    else if (char === '.' || char === 'E') throw malformed('the document has a number that is no integer');
    else if (char === 'e' && isDigit(text[i - 1]))
      throw malformed('the document has a number in exponent form');
    else if (char === '}' || char === ']') depth--;
    else if ((char === '{' || char === '[') && ++depth > MAX_DEPTH)
      throw malformed('the document nests too deep');
  }
  return members;
}

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}

const isDigit = (char: string | undefined): boolean => char !== undefined && char >= '0' && char <= '9';

function countMembers(value: unknown): number {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw malformed('a number is too large');
  if (typeof value === 'string' && !value.isWellFormed()) throw malformed('a string is not Unicode text');
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countMembers(item), 0);
  let members = 0;
  for (const [key, item] of Object.entries(value)) {
    if (key === '__proto__' || !key.isWellFormed())
      throw malformed('an object has a key that is not allowed');
    members += 1 + countMembers(item);
  }
  return members;
}

const malformed = (message: string): CodedError => new CodedError('METADATA_MALFORMED', message);
