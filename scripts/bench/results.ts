/** One figure. A figure without a bound is there to explain the others. */
export interface Result {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** As people read it, `<= 250`; null for information. */
  readonly bound: string | null;
  /** Null without a bound. */
  readonly ok: boolean | null;
}

export const info = (what: string, value: number, unit: string): Result => ({
  what,
  value: rounded(value),
  unit,
  bound: null,
  ok: null,
});

export const atMost = (what: string, value: number, limit: number, unit: string): Result => ({
  what,
  value: rounded(value),
  unit,
  bound: `<= ${rounded(limit)}`,
  ok: value <= limit,
});

export const atLeast = (what: string, value: number, limit: number, unit: string): Result => ({
  what,
  value: rounded(value),
  unit,
  bound: `>= ${rounded(limit)}`,
  ok: value >= limit,
});

/** A table for people: missed bounds are marked. */
export function tableOf(results: readonly Result[]): string {
  const rows = results.map(({ what, value, unit, bound, ok }) => [
    ok === null ? '' : ok ? 'ok' : 'MISSED',
    what,
    `${value} ${unit}`,
    bound === null ? '' : `${bound} ${unit}`,
  ]);
  const all = [['', 'what', 'measured', 'bound'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return `${all.map((row) => line(row).trimEnd()).join('\n')}\n`;
}

const rounded = (value: number): number => Number(value.toPrecision(4));
