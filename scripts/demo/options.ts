import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly dir: string;
  /** End with one JSON line instead of staying up. */
  readonly isOnce: boolean;
  /** What 1.2.0 is: trained on merged labels, 1.1.0 built again, or a pair of labels drawn from a seed. */
  readonly second:
    | { readonly kind: 'merged' }
    | { readonly kind: 'rebuilt' }
    | { readonly kind: 'pair'; readonly seed: number };
  /** Leave out the endless loop and the cut link (steps 6 and 7). */
  readonly isShort: boolean;
}

export const USAGE = `usage: npm run demo [-- OPTIONS]

  --once              end with one JSON line instead of staying up with the dashboard
  --dir DIR           where everything is kept (default .ringfleet/demo)
  --second rebuilt    1.2.0 is 1.1.0 built again: it must go through
  --second pair       1.2.0 is trained with one pair of labels merged, drawn from --seed: it must be caught
  --seed N            default: drawn, and printed
  --short             leave out steps 6 and 7
  --help
`;

/** Throws an Error with a sentence for the person at the terminal. */
export function readOptions(args: readonly string[], draw: () => number): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean', default: false },
      dir: { type: 'string', default: '.ringfleet/demo' },
      second: { type: 'string', default: 'merged' },
      seed: { type: 'string' },
      short: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    dir: values.dir,
    isOnce: values.once,
    isShort: values.short,
    second: secondOf(values.second, values.seed, draw),
  };
}

function secondOf(kind: string, seedText: string | undefined, draw: () => number): DemoOptions['second'] {
  if (kind === 'merged' || kind === 'rebuilt') return { kind };
  if (kind !== 'pair') throw new Error(`--second is merged, rebuilt or pair, not "${kind}"`);
  const seed = seedText === undefined ? draw() : Number(seedText);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed is a whole number, not "${seedText}"`);
  return { kind, seed };
}

/** The seed's pair of digits a < b, each of the 45 equally often. */
export function pairOf(seed: number): readonly [number, number] {
  const pairs = Array.from({ length: 10 }, (_, a) =>
    Array.from({ length: 9 - a }, (_, i) => [a, a + 1 + i] as const),
  ).flat();
  return pairs[seed % pairs.length] ?? [0, 1];
}
