import { describe, expect, it } from 'vitest';
import { interleave, perRound } from './interleave.ts';

const slice = (...latencies: readonly number[]) => ({
  latenciesUs: Float64Array.from(latencies),
  failed: 0,
  elapsedMs: 1,
});

describe('interleaved lanes', () => {
  it('take turns, and the first round is not measured', async () => {
    const order: string[] = [];
    const lane = (name: string, base: number) => {
      let round = 0;
      return () => {
        order.push(name);
        round += 1;
        return Promise.resolve(round === 1 ? slice(1e6) : slice(base * (round - 1)));
      };
    };
    const { a, b } = await interleave({ a: lane('a', 10), b: lane('b', 30) }, 3);
    expect(order.join('')).toBe('abababab');
    expect(a.p50s).toEqual([10, 20, 30]);
    expect(b.p50Us).toBe(60);
    // Within each round b takes three times as long, whatever the machine did to both.
    expect(perRound([a, b], (one = 0, other = 0) => other / one)).toBe(3);
  });

  it('give no figure when a request failed', async () => {
    const broken = () => Promise.resolve({ ...slice(1), failed: 2, failure: '503 gone' });
    await expect(interleave({ broken }, 1)).rejects.toThrow('broken: 2 requests failed, 503 gone');
  });
});
