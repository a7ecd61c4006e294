import { isDeepStrictEqual } from 'node:util';
import { DEVICE_ATTACKS } from '../device/attacks.ts';
import { CONTROLS } from '../device/controls.ts';
import { type Attack, expected, type Outcome } from '../lab/attack.ts';
import { inPlace } from '../lab/journal.ts';
import { openAttackLab } from '../lab/lab.ts';

/** A process in which one check after the other is switched off while the attacks run. */

export type Order =
  /** Runs every attack on the whole verifier. */
  | { readonly type: 'cover' }
  /** Runs these attacks, with one check switched off, until one does not end as it must. */
  | { readonly type: 'try'; readonly mutant: number; readonly attacks: readonly number[] };

export type Reply =
  | { readonly type: 'ready'; readonly titles: readonly string[] }
  /** Per attack: the mutants that make a difference on its way, if only for a moment. */
  | {
      readonly type: 'covered';
      readonly hits: readonly (readonly number[])[];
      readonly wrong: readonly string[];
    }
  | { readonly type: 'tried'; readonly killer: number | null; readonly code: string };

/** Attacks that are slow to fail, or to succeed, are as good as failed here. */
const DEADLINE_MS = 5_000;
const ATTACKS: readonly Attack[] = [...CONTROLS, ...DEVICE_ATTACKS];

let active = -1;
let hits = new Set<number>();
Object.assign(globalThis, {
  __asleep: (number: number): boolean => number !== active,
  __seen: (number: number, instead: unknown, value: unknown): unknown => {
    if (value !== instead) hits.add(number);
    return value;
  },
  __mutant: (number: number): boolean => {
    hits.add(number);
    return number === active;
  },
});

const lab = await openAttackLab(inPlace, DEADLINE_MS);
const send = (reply: Reply): void => void process.send?.(reply);

process.on('message', (order: Order) => {
  void (order.type === 'cover' ? cover() : attempt(order.mutant, order.attacks)).then(send);
});
process.on('disconnect', () => void lab.close().then(() => process.exit(0)));
send({ type: 'ready', titles: ATTACKS.map((one) => one.attack) });

async function cover(): Promise<Reply> {
  const all: number[][] = [];
  const wrong: string[] = [];
  for (const attack of ATTACKS) {
    hits = new Set();
    const outcome = await lab.run(attack);
    if (!isRight(attack, outcome)) wrong.push(`${attack.attack}: ${JSON.stringify(outcome)}`);
    all.push([...hits]);
  }
  return { type: 'covered', hits: all, wrong };
}

async function attempt(mutant: number, attacks: readonly number[]): Promise<Reply> {
  for (const index of attacks) {
    const attack = ATTACKS[index] as Attack;
    active = mutant;
    const outcome = await lab.run(attack).catch(
      (err: unknown): Outcome => ({
        code: `CRASHED: ${err instanceof Error ? err.message : String(err)}`,
        changes: [],
        answers: '',
      }),
    );
    active = -1;
    if (!isRight(attack, outcome)) return { type: 'tried', killer: index, code: outcome.code };
  }
  return { type: 'tried', killer: null, code: '' };
}

const isRight = (attack: Attack, outcome: Outcome): boolean =>
  isDeepStrictEqual(outcome, expected(attack, outcome));
