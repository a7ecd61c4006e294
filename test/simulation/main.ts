import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { machineLine } from '../../scripts/bench/machine.ts';
import { breakAll } from './break-all.ts';
import type { Breakage } from './breakage.ts';
import { BREAKAGES, broken } from './breakages.ts';
import { playSeed } from './play-seed.ts';
import { playOnThreads } from './pool.ts';
import { PRODUCTION } from './production.ts';
import { jsonLine, lastLine, progressLine, Tally, violationLine } from './report.ts';

const USAGE = `usage: npm run simulate [-- OPTIONS]

Plays one server and many devices in virtual time, with random faults, and looks after every step whether each
invariant holds: docs/simulation.md.

  --seeds N        how many histories (1000), from --from
  --updates N      how many device updates in all at least (100000)
  --from N         the first seed (1)
  --seed N         only this history, up to its first violation
  --verbose        with --seed: print everything that happens
  --break NAME     with a deliberate mistake: the run succeeds when it is noticed
  --breakages      every deliberate mistake in turn
  --threads N      how many at a time (as many as there are cores)
  --json           end with one JSON line
  --help           this text

Exit code: 0 when no invariant broke (or every mistake was noticed), 1 when one did, 2 for wrong options, 130 after an
interrupt.
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = optionsOf();
  if (typeof options === 'string') {
    process.stderr.write(options);
    return 2;
  }
  const { values, numbers } = options;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const chosen = values.break ? BREAKAGES.filter(({ name }) => name === values.break) : [];
  if (values.break && chosen.length === 0) {
    const names = BREAKAGES.map(({ name, mistake }) => `  ${name.padEnd(34)} ${mistake}\n`).join('');
    process.stderr.write(`there is no breakage "${values.break}"; use one of:\n${names}`);
    return 2;
  }
  const perSeed = Math.ceil(numbers.updates / numbers.seeds);
  if (values.seed !== undefined) return replay(numbers.seed, perSeed, chosen[0] ?? null, values.verbose);
  if (chosen.length > 0) return tryBreakages(chosen, 1);
  if (values.breakages) return tryBreakages(BREAKAGES, numbers.threads);
  return simulate(numbers, perSeed, values.json);
}

function optionsOf() {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string', default: '1000' },
        updates: { type: 'string', default: '100000' },
        from: { type: 'string', default: '1' },
        seed: { type: 'string' },
        threads: { type: 'string', default: String(availableParallelism()) },
        break: { type: 'string' },
        breakages: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const numbers = {
      seeds: Number(values.seeds),
      updates: Number(values.updates),
      from: Number(values.from),
      seed: Number(values.seed ?? 1),
      threads: Number(values.threads),
    };
    for (const [name, value] of Object.entries(numbers)) {
      if (!Number.isSafeInteger(value) || value < 1) return `--${name} must be a whole number from 1 on\n`;
    }
    return { values, numbers };
  } catch (err) {
    return `${err instanceof Error ? err.message : String(err)}\n\n${USAGE}`;
  }
}

/** The same history again; what it prints is the same, line by line. */
async function replay(
  seed: number,
  updates: number,
  breakage: Breakage | null,
  isVerbose: boolean,
): Promise<number> {
  const production = breakage ? broken(breakage) : PRODUCTION;
  const onLine = (line: string): void => void process.stdout.write(`${line}\n`);
  const outcome = await playSeed({ seed, updates, production, ...(isVerbose ? { onLine } : {}) });
  const tally = new Tally();
  tally.add(outcome);
  if (outcome.violation) process.stdout.write(`${violationLine(outcome)}\n`);
  process.stdout.write(`${lastLine(tally, 0)}\n`);
  return (outcome.violation === null) === (breakage === null) ? 0 : 1;
}

async function simulate(
  { seeds, updates, from, threads }: { seeds: number; updates: number; from: number; threads: number },
  perSeed: number,
  isJson: boolean,
): Promise<number> {
  const startedAt = performance.now();
  const tally = new Tally();
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  const show = progress(tally, seeds);
  let seed = from;
  const playing = new Set<number>();
  await playOnThreads({
    threads,
    signal: interrupt.signal,
    next() {
      // Some fleets are in such trouble that they update little: others make up for them.
      if (seed - from >= seeds && tally.deviceUpdates >= updates) return null;
      const order = { seed, updates: perSeed, breakage: null };
      playing.add(seed);
      seed += 1;
      return order;
    },
    onAnswer(answer) {
      playing.delete(answer.order.seed);
      if ('outcome' in answer) {
        tally.add(answer.outcome);
        if (answer.outcome.violation) show.say(violationLine(answer.outcome));
      } else {
        const { order, error } = answer;
        tally.errors.push({ seed: order.seed, error });
        show.say(`seed ${order.seed}: ${error}`);
      }
      show.draw();
    },
  });
  show.end();
  const seconds = (performance.now() - startedAt) / 1000;
  for (const { seed: bad } of tally.violations.slice(0, 1)) {
    process.stderr.write(
      `replay: npm run simulate -- --seed ${bad} --updates ${updates} --seeds ${seeds} --verbose\n`,
    );
  }
  process.stdout.write(`${isJson ? jsonLine(tally, seconds, machineLine()) : lastLine(tally, seconds)}\n`);
  if (interrupt.signal.aborted) {
    const first = Math.min(seed, ...playing);
    const left = Math.max(1, seeds - (first - from));
    const updatesLeft = Math.max(1, perSeed * left);
    process.stderr.write(
      `interrupted: go on with npm run simulate -- --from ${first} --seeds ${left} --updates ${updatesLeft}\n`,
    );
    return 130;
  }
  return tally.isClean ? 0 : 1;
}

/** Succeeds when every mistake is noticed. */
async function tryBreakages(breakages: readonly Breakage[], threads: number): Promise<number> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const noticed = await breakAll(breakages, { threads, signal: interrupt.signal, say });
  say(`${noticed} of ${breakages.length} breakages noticed`);
  if (interrupt.signal.aborted) return 130;
  return noticed === breakages.length ? 0 : 1;
}

function progress(tally: Tally, seeds: number): { draw(): void; say(line: string): void; end(): void } {
  const { stderr } = process;
  const clear = (): void => void (stderr.isTTY && stderr.write('\r\x1b[K'));
  return {
    draw: () => void (stderr.isTTY && stderr.write(`\r\x1b[K${progressLine(tally, seeds)}`)),
    say(line) {
      clear();
      stderr.write(`${line}\n`);
    },
    end: clear,
  };
}
