import { CATALOG, type CodedError, type ErrorClass, lookUpCode } from '@ringfleet/shared/errors';

/** Where a command writes; results go to `out`, everything else to `err`. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** `errorText` for programs, with --json. */
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
