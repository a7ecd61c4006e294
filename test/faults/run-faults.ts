import type { CaseResult, Fault, FaultFamily } from './kinds/kind.ts';
import type { Lab } from './lab/bench.ts';
import type { Device } from './lab/device.ts';

/** Tries before a case that did not happen counts as such: two runs of a program are not the same to the last call. */
const TRIES = 3;

export interface RunOptions {
  readonly lab: Lab;
  readonly families: readonly FaultFamily[];
  /** Whether a fault is wanted, from what is known before it happens. */
  readonly isWanted: (fault: Fault) => boolean;
  /** Picks among those that are wanted. */
  readonly select?: (faults: readonly Fault[]) => readonly Fault[];
  /** How many devices are hurt at a time. */
  readonly parallel: number;
  readonly onResult: (result: CaseResult, done: number, of: number) => void;
}

/** Runs faults on devices beside each other. A case counts once, under what it really hit. */
export async function runFaults(options: RunOptions): Promise<readonly CaseResult[]> {
  const { lab, families, isWanted, select = (all) => all, parallel, onResult } = options;
  const results = new Map<string, CaseResult>();
  const devices = await Promise.all(Array.from({ length: parallel }, (_, i) => lab.device(`d-${i + 1}`)));
  const [first] = devices;
  if (!first) return [];
  const faults: Fault[] = [];
  for (const family of families) {
    const found = await family.faults(lab, first);
    faults.push(...found.filter(isWanted));
  }
  const chosen = select(faults);
  let next = 0;
  let done = 0;
  const work = async (device: Device): Promise<void> => {
    for (;;) {
      const fault = chosen[next];
      next += 1;
      if (!fault) return;
      const result = await runOne(fault, device);
      done += 1;
      results.set(`${result.kind}/${result.state}/${result.at}`, result);
      onResult(result, done, chosen.length);
    }
  };
  await Promise.all(devices.map(work));
  return [...results.values()];
}

/** A case passes when it happened and everything held. */
export const isSurvived = (result: CaseResult): boolean => result.proof !== null && result.flaws.length === 0;

async function runOne(fault: Fault, device: Device): Promise<CaseResult> {
  const startedAt = performance.now();
  const { kind, state, at } = fault;
  for (let left = TRIES - 1; ; left -= 1) {
    const result = await fault.run(device).catch(async (err: unknown) => {
      await device.abandon();
      const flaw = err instanceof Error ? (err.stack ?? err.message) : String(err);
      return { state, at, proof: null, version: '', flaws: [flaw], servingMs: null };
    });
    if (result.proof !== null || left === 0) {
      return { ...result, kind, tookMs: Math.round(performance.now() - startedAt) };
    }
  }
}
