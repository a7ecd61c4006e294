import { CodedError } from '@ringfleet/shared/errors';

/** `position` counts characters from 1. */
export interface Token {
  readonly kind: 'word' | 'symbol' | 'end';
  readonly text: string;
  readonly position: number;
}

const PATTERN = /\s*(?:(?<word>[A-Za-z0-9._/-]+)|(?<symbol>!=|==|[=!,()]))/y;
const MAX_LENGTH = 2_000;

/** Words and symbols of a label selector, closed by an `end` token. Throws SELECTOR_INVALID. */
export function tokenize(text: string): readonly Token[] {
  if (text.length > MAX_LENGTH) {
    throw new CodedError('SELECTOR_INVALID', `The selector is longer than ${MAX_LENGTH} characters.`);
  }
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  let at = 0;
  while (at < end) {
    PATTERN.lastIndex = at;
    const found = PATTERN.exec(text);
    if (!found) throw unknownCharacter(text, at);
    const word = found.groups?.['word'];
    const token = word ?? found.groups?.['symbol'] ?? '';
    at = PATTERN.lastIndex;
    tokens.push({
      kind: word === undefined ? 'symbol' : 'word',
      text: token,
      position: at - token.length + 1,
    });
  }
  return [...tokens, { kind: 'end', text: '', position: end + 1 }];
}

function unknownCharacter(text: string, at: number): CodedError {
  const position = at + text.slice(at).search(/\S/) + 1;
  return new CodedError(
    'SELECTOR_INVALID',
    `At position ${position}: "${text[position - 1]}" cannot stand in a selector.`,
    { at: `selector:${position}` },
  );
}
