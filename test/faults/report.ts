import type { CaseResult } from './kinds/kind.ts';
import { isSurvived } from './run-faults.ts';

export interface Summary {
  readonly machine: string;
  readonly durationMs: number;
  readonly results: readonly CaseResult[];
}

/** One line a kind: cases, survived, states, and the slowest first answer. */
export function tableOf({ machine, durationMs, results }: Summary): string {
  const rows = kindsOf(results).map((kind) => {
    const cases = results.filter((one) => one.kind === kind);
    const states = new Set(cases.map(({ state }) => state));
    const slowest = Math.max(0, ...cases.map(({ servingMs }) => servingMs ?? 0));
    return [
      kind.padEnd(22),
      String(cases.length).padStart(6),
      String(cases.filter(isSurvived).length).padStart(9),
      `${Math.round(slowest)} ms`.padStart(11),
      ` ${[...states].join(', ')}`,
    ].join(' ');
  });
  const head = `${'kind'.padEnd(22)}  cases  survived  to serving  states`;
  const survived = results.filter(isSurvived).length;
  const total = `${survived} of ${results.length} survived in ${Math.round(durationMs / 1000)} s`;
  return [machine, '', head, ...rows, '', total, ''].join('\n');
}

/** Figures a kind, and every case with its proof. */
export function jsonLine({ machine, durationMs, results }: Summary): string {
  const bound = 10_000;
  const slowest = Math.max(0, ...results.map(({ servingMs }) => servingMs ?? 0));
  const figures = [
    ...kindsOf(results).map((kind) => {
      const cases = results.filter((one) => one.kind === kind);
      const value = cases.filter(isSurvived).length;
      return {
        what: `survived: ${kind}`,
        value,
        unit: 'cases',
        bound: cases.length,
        ok: value === cases.length,
      };
    }),
    { what: 'distinct cases', value: results.length, unit: 'cases', bound: 500, ok: results.length >= 500 },
    { what: 'slowest first answer', value: Math.round(slowest), unit: 'ms', bound, ok: slowest <= bound },
    { what: 'duration', value: durationMs, unit: 'ms', bound: null, ok: true },
  ];
  return JSON.stringify({ name: 'faults', machine, results: figures, cases: results });
}

const kindsOf = (results: readonly CaseResult[]): string[] => [...new Set(results.map(({ kind }) => kind))];
