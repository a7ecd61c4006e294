import { expect, it } from 'vitest';
import { LagOneCorrelation, strideOf } from './decision-stride.ts';
import { BASE_WINDOW, LARGEST_WINDOW, WindowPyramid } from './window-pyramid.ts';

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

it('holds the last full window of every level, and no sample twice or never', () => {
  const pyramid = new WindowPyramid(2);
  const fill = (bin: number, samples: number): void => {
    for (let i = 0; i < samples; i++) pyramid.add(bin);
  };
  fill(0, BASE_WINDOW - 1);
  expect(pyramid.windows()).toEqual([]);
  fill(0, 1);
  expect(pyramid.windows()).toEqual([{ samples: 128, counts: [128, 0] }]);
  fill(1, 128);
  expect(pyramid.windows()).toEqual([
    { samples: 128, counts: [0, 128] },
    { samples: 256, counts: [128, 128] },
  ]);
  fill(0, 2 * LARGEST_WINDOW - 256);
  const windows = pyramid.windows();
  expect(windows.map(({ samples }) => samples)).toEqual([128, 256, 512, 1024, 2048, 4096, 8192, 16_384]);
  for (const { samples, counts } of windows) expect(sum(counts)).toBe(samples);
  expect(windows.at(-1)?.counts).toEqual([16_384, 0]);
});

it('moves on by the smallest window, so that a change is seen whole wherever it began', () => {
  const pyramid = new WindowPyramid(2);
  const fill = (bin: number, bases: number): void => {
    for (let i = 0; i < bases * BASE_WINDOW; i++) pyramid.add(bin);
  };
  fill(0, 3);
  fill(1, 2);
  expect(pyramid.windows()).toEqual([
    { samples: 128, counts: [0, 128] },
    { samples: 256, counts: [0, 256] },
    { samples: 512, counts: [256, 256] },
  ]);
  fill(1, 200);
  expect(pyramid.windows().at(-1)).toEqual({ samples: LARGEST_WINDOW, counts: [0, LARGEST_WINDOW] });
  pyramid.reset();
  expect(pyramid.windows()).toEqual([]);
  fill(0, 1);
  expect(pyramid.windows()).toEqual([{ samples: 128, counts: [128, 0] }]);
});

it('takes every sample of a stream without memory, and few of one that repeats itself', () => {
  expect([0, 0.04, 0.5, -0.5, 0.9, 1].map(strideOf)).toEqual([1, 1, 5, 5, 29, 64]);
});

it('finds the correlation of neighbours', () => {
  // A generator of its own, so that the numbers are the same at every run.
  let state = 1;
  const uniform = (): number => {
    state = (state * 48_271) % 0x7fffffff;
    return state / 0x7fffffff - 0.5;
  };
  const of = (rho: number): number => {
    const correlation = new LagOneCorrelation();
    let x = 0;
    for (let i = 0; i < 20_000; i++) {
      x = rho * x + uniform();
      correlation.add(100 + x);
    }
    return correlation.value;
  };
  expect(of(0)).toBeCloseTo(0, 0);
  expect(Math.abs(of(0.9) - 0.9)).toBeLessThan(0.05);
  expect(new LagOneCorrelation().value).toBe(0);
});
