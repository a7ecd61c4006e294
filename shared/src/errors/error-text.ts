import { CATALOG } from './catalog.ts';
import type { CodedError } from './coded-error.ts';

/** An error as people read it: the sentence, what to do, and the code to search for. One line each. */
export function errorText(err: CodedError): string {
  const { sentence, remedy } = CATALOG[err.code];
  const what = err.message === sentence ? sentence : `${sentence} ${capitalised(err.message)}`;
  // Often the message names the place already.
  const where = err.at === undefined || err.message.includes(err.at) ? '' : ` (at ${err.at})`;
  return `${what}${where}\n${remedy}\n${err.code}\n`;
}

function capitalised(text: string): string {
  // Paths, addresses and versions keep their letters.
  const isWord = /^[a-z]+( |$)/.test(text);
  const sentence = isWord ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?)]$/.test(sentence) ? sentence : `${sentence}.`;
}
