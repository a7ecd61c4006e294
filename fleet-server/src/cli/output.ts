import { CATALOG, type CodedError, type ErrorClass, lookUpCode } from '@ringfleet/shared/errors';

/** Where a command writes; results go to `out`, everything else to `err`. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** An error as people read it: the sentence, what to do, and the code to search for. */
export function errorText(err: CodedError): string {
  const { sentence, remedy } = CATALOG[err.code];
  const what = err.message === sentence ? sentence : `${sentence} ${capitalised(err.message)}`;
  const where = err.at === undefined ? '' : ` (at ${err.at})`;
  return `${what}${where}\n${remedy}\n${err.code}\n`;
}

/** The same for programs, with --json. */
export function errorJson(err: CodedError): string {
  const { sentence, remedy } = CATALOG[err.code];
  return `${JSON.stringify({ error: { code: err.code, sentence, detail: err.message, at: err.at, remedy } })}\n`;
}

/** The exit codes of DESIGN §12, from the class of the error. */
export function exitCodeOf(err: CodedError): number {
  if (EXIT_BY_CODE[err.code] !== undefined) return EXIT_BY_CODE[err.code] as number;
  return EXIT_BY_CLASS[lookUpCode(err.code)?.class ?? 'INFRA'];
}

/** Columns padded to their widest cell. */
export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headers, ...rows];
  const widths = headers.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const EXIT_BY_CODE: Readonly<Record<string, number>> = {
  SERVER_UNREACHABLE: 4,
  CLI_TIMEOUT: 4,
  CANCELLED: 130,
};

const EXIT_BY_CLASS: Readonly<Record<ErrorClass, number>> = {
  INPUT: 2,
  TRUST: 3,
  CONFLICT: 5,
  RELEASE: 1,
  DEVICE: 1,
  SITE: 1,
  INFRA: 1,
};

function capitalised(text: string): string {
  // Paths, addresses and versions keep their letters.
  const isWord = /^[a-z]+( |$)/.test(text);
  const sentence = isWord ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?)]$/.test(sentence) ? sentence : `${sentence}.`;
}
