import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Result } from './results.ts';

/** What a benchmark works with. Whatever it starts it hands to `atEnd`, which runs also when it fails. */
export interface BenchContext {
  /** A folder of its own, removed at the end; short, because socket paths are limited to 107 bytes. */
  readonly dir: string;
  readonly python?: string;
  /** How long it watches, and how often the agent reports, where the benchmark can be told. */
  readonly minutes?: number;
  readonly periodMs?: number;
  /** Progress, for a person. */
  say(line: string): void;
  atEnd(undo: () => Promise<void> | void): void;
}

export type Benchmark = (context: BenchContext) => Promise<readonly Result[]>;

/** Runs a benchmark in a fresh folder and undoes what it left to be undone, last first. */
export async function runBenchmark(
  benchmark: Benchmark,
  options: Pick<BenchContext, 'python' | 'minutes' | 'periodMs'>,
  say: (line: string) => void,
): Promise<readonly Result[]> {
  const dir = await mkdtemp(join(tmpdir(), 'rfb-'));
  const undos: (() => Promise<void> | void)[] = [];
  try {
    return await benchmark({ ...options, dir, say, atEnd: (undo) => undos.push(undo) });
  } finally {
    for (const undo of undos.toReversed()) await undo();
    await rm(dir, { recursive: true, force: true });
  }
}
