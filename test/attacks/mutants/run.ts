import { availableParallelism } from 'node:os';
import { bundleMutants } from './bundle.ts';
import { ELSEWHERE } from './elsewhere.ts';
import { EQUIVALENTS } from './equivalents.ts';
import { Victim } from './pool.ts';
import type { Mutant } from './sites.ts';

/** What became of one check that was switched off. */
export interface Fate {
  readonly name: string;
  /**
   * `through`: an attack installed something; `other`: it was stopped by another check, or everything was; `elsewhere`: no
   * attack tells, a test beside the code does.
   */
  readonly fate: 'through' | 'other' | 'survived' | 'equivalent' | 'elsewhere';
  /** The attack that showed it, and how that ended. */
  readonly attack: string;
  readonly code: string;
}

export interface MutationRun {
  readonly fates: readonly Fate[];
  /** What is wrong with the run itself: survivors, stale or killed equivalents, attacks that fail without any mutant. */
  readonly troubles: readonly string[];
}

export interface MutationOptions {
  /** Which mutants to try. */
  readonly choose?: (mutants: readonly Mutant[]) => readonly Mutant[];
  readonly onFate?: (fate: Fate, done: number, all: number) => void;
}

/** Switches off one check after the other and runs the attacks on whose way it makes a difference, until one shows that it is gone. */
export async function runMutants({ choose, onFate }: MutationOptions = {}): Promise<MutationRun> {
  const { program, mutants } = await bundleMutants();
  const victims = Array.from({ length: Math.min(4, availableParallelism()) }, () => new Victim(program));
  try {
    const first = victims[0] as Victim;
    const covered = await first.ask({ type: 'cover' }, 300_000);
    if (covered?.type !== 'covered') throw new Error('the victim ended while it ran the attacks unchanged');
    // An attack that fails by itself would tell every mutant.
    if (covered.wrong.length > 0) return { fates: [], troubles: covered.wrong };
    const chosen = choose?.(mutants) ?? mutants;
    const queue = chosen.map((mutant) => mutants.indexOf(mutant));
    const fates: Fate[] = [];
    const lastKill = new Map<number, number>();
    await Promise.all(
      victims.map(async (victim) => {
        for (let number = queue.shift(); number !== undefined; number = queue.shift()) {
          const mutant = number;
          const attacks = covered.hits
            .flatMap((hits, attack) => (hits.includes(mutant) ? [attack] : []))
            // What has just told one mutant from the verifier often tells its neighbour.
            .sort((a, b) => (lastKill.get(b) ?? 0) - (lastKill.get(a) ?? 0));
          const reply = await victim.ask({ type: 'try', mutant, attacks });
          const { killer, code } =
            reply?.type === 'tried' ? reply : { killer: attacks[0] ?? 0, code: 'ENDED' };
          if (killer !== null) lastKill.set(killer, fates.length + 1);
          const fate = fateOf(
            mutants[mutant]?.name ?? '',
            first.titles[killer ?? -1] ?? '',
            code,
            killer === null,
          );
          fates.push(fate);
          onFate?.(fate, fates.length, chosen.length);
        }
      }),
    );
    return { fates, troubles: troublesOf(fates, chosen === mutants) };
  } finally {
    await Promise.all(victims.map((victim) => victim.stop()));
  }
}

function fateOf(name: string, attack: string, code: string, isAlive: boolean): Fate {
  if (isAlive) return { name, fate: listedAs(name), attack, code };
  return { name, fate: code === 'INSTALLED' ? 'through' : 'other', attack, code };
}

function listedAs(name: string): Fate['fate'] {
  if (Object.hasOwn(EQUIVALENTS, name)) return 'equivalent';
  return Object.hasOwn(ELSEWHERE, name) ? 'elsewhere' : 'survived';
}

function troublesOf(fates: readonly Fate[], isWhole: boolean): string[] {
  const byName = new Map(fates.map((one) => [one.name, one]));
  const stale = [...Object.keys(EQUIVALENTS), ...Object.keys(ELSEWHERE)].filter((name) => {
    const fate = byName.get(name)?.fate;
    return fate !== 'equivalent' && fate !== 'elsewhere';
  });
  return [
    ...fates.filter((one) => one.fate === 'survived').map((one) => `survived: ${one.name}`),
    ...(isWhole ? stale : stale.filter((name) => byName.has(name))).map(
      (name) => `listed, but told by an attack or not there any more: ${name}`,
    ),
  ];
}
