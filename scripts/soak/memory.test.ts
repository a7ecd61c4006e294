import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHeld, withHeapProbe } from './heap-file.ts';
import { lowsOf, type Sample, slopeOf } from './memory.ts';

const MIB = 1024 ** 2;

describe('growth of memory', () => {
  it('does not count what comes before the warm-up is over', () => {
    const samples = minutes(30, (minute) => (minute < 10 ? minute * 20 : 200));
    expect(slopeOf(samples)).toBeCloseTo(0);
  });

  it('is not seen in what is freed late', () => {
    const samples = minutes(30, (minute) => (minute > 20 && minute % 2 === 1 ? 80 : 20));
    expect(slopeOf(samples)).toBeGreaterThan(0.5);
    expect(slopeOf(lowsOf(samples, 120_000))).toBeCloseTo(0);
  });

  it('is found in MiB a minute, also where the heap goes up and down', () => {
    const samples = minutes(30, (minute) => 100 + minute * 0.5 + (minute % 2));
    expect(slopeOf(samples)).toBeCloseTo(0.5, 1);
  });
});

describe('what a program holds', () => {
  it('is seen after full collections only, without what they removed', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ringfleet-heap-')), 'heap.jsonl');
    const garbage = `let kept; for (let i = 0; i < 20; i++) kept = new Array(1e6).fill(i); gc(); setTimeout(() => 0, 100);`;
    const env = { ...process.env, ...withHeapProbe(file) };
    const { status, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', garbage], { env });
    expect(stderr.toString()).toBe('');
    expect(status).toBe(0);
    const held = readHeld(file, 0);
    expect(held.length).toBeGreaterThan(0);
    expect(held.at(-1)?.bytes).toBeLessThan(40 * MIB);
  });

  it('is unknown where no collection was seen', () => {
    expect(readHeld('/nowhere/heap.jsonl', 0)).toEqual([]);
  });
});

function minutes(count: number, mib: (minute: number) => number): Sample[] {
  return Array.from({ length: count }, (_, minute) => ({ atMs: minute * 60_000, bytes: mib(minute) * MIB }));
}
