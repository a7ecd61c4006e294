import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Result } from './results.ts';

/** What a benchmark works with. Whatever it starts it hands to `atEnd`, which runs also when it fails or is interrupted. */
export interface BenchContext {
  /** A folder of its own, removed at the end; short, because socket paths are limited to 107 bytes. */
  readonly dir: string;
  readonly python?: string;
  /** How long it watches, and how often the agent reports, where the benchmark can be told. */
  readonly minutes?: number;
  readonly periodMs?: number;
  /** How many take part. */
  readonly devices?: number;
  /** Progress, for a person. */
  say(line: string): void;
  atEnd(undo: Undo): void;
}

export type Benchmark = (context: BenchContext) => Promise<readonly Result[]>;

type Undo = () => Promise<void> | void;

/**
 * Runs a benchmark in a fresh folder and undoes what it left to be undone, last first. Rejects with what the benchmark
 * threw, or with the signal's reason when it was interrupted; nothing is left behind then either.
 */
export async function runBenchmark(
  benchmark: Benchmark,
  options: Pick<BenchContext, 'python' | 'minutes' | 'periodMs' | 'devices'>,
  say: (line: string) => void,
  interrupted: AbortSignal,
): Promise<readonly Result[]> {
  const dir = await mkdtemp(join(tmpdir(), 'rfb-'));
  const undos: Undo[] = [];
  let isOver = false;
  const undone = async (undo: Undo): Promise<void> => {
    try {
      await undo();
    } catch (err) {
      // The others are to be undone all the same.
      say(`cleaning up: ${err instanceof Error ? err.message : String(err)}`);
    }
  };
  const atEnd = (undo: Undo): void => {
    // An interrupted benchmark goes on until its next step fails, and may start something meanwhile.
    if (isOver) void undone(undo);
    else undos.push(undo);
  };
  try {
    return await Promise.race([benchmark({ ...options, dir, say, atEnd }), rejectedBy(interrupted)]);
  } finally {
    isOver = true;
    for (const undo of undos.toReversed()) await undone(undo);
    await rm(dir, { recursive: true, force: true });
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
