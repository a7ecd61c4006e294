import { isAsSaid, type MutantResult } from './run-mutants.ts';

interface Summary {
  readonly machine: string;
  readonly durationMs: number;
  readonly results: readonly MutantResult[];
}

/** One mutant: told, equivalent, or neither. */
export function mutantLine(result: MutantResult): string {
  const { name, killedBy, survived, equivalent, tookMs } = result;
  const what = killedBy === null ? (equivalent === null ? 'SURVIVED ' : 'equal    ') : 'told     ';
  const why = killedBy ?? equivalent ?? 'no case tells it';
  const wrong = killedBy !== null && equivalent !== null ? ', although it was said to be equivalent' : '';
  return `${what} ${name} (${survived} cases passed, ${tookMs} ms): ${why}${wrong}`;
}

export function mutantTable({ machine, durationMs, results }: Summary): string {
  const told = results.filter(({ killedBy }) => killedBy !== null).length;
  const good = results.filter(isAsSaid).length;
  const total = `${told} of ${results.length} told, ${good - told} equivalent, ${results.length - good} open, in ${Math.round(durationMs / 1000)} s`;
  return [machine, '', ...results.map(mutantLine), '', total, ''].join('\n');
}

export function mutantJson({ machine, durationMs, results }: Summary): string {
  const open = results.filter((one) => !isAsSaid(one)).length;
  const figures = [
    { what: 'mutants', value: results.length, unit: 'mutants', bound: null, ok: true },
    { what: 'mutants that no case tells', value: open, unit: 'mutants', bound: 0, ok: open === 0 },
    { what: 'duration', value: durationMs, unit: 'ms', bound: null, ok: true },
  ];
  return JSON.stringify({ name: 'faults --mutants', machine, results: figures, mutants: results });
}
