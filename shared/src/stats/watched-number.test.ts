import { expect, it } from 'vitest';
import { buildFeatureProfile } from './feature-profile.ts';
import { WatchedNumber } from './watched-number.ts';

const profile = buildFeatureProfile(
  'speed',
  Array.from({ length: 1_000 }, (_, i) => (i * 7_919) % 1_000),
);

it('shows how far the last full window is from the reference, and counts what is no number apart', () => {
  // A generator of its own, so that the numbers are the same at every run.
  let state = 1;
  const uniform = (): number => {
    state = (state * 48_271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
  const number = new WatchedNumber(profile);
  for (let i = 0; i < 127; i++) number.add(1_000 * uniform(), i);
  number.add(Number.NaN, 127);
  expect(number.drift()).toBeUndefined();
  number.add(500, 128);
  expect(number.drift()).toMatchObject({ samples: 128 });
  expect(number.drift()?.value).toBeLessThan(0.3);
  for (let i = 0; i < 128; i++) number.add(950 + 7 * uniform(), 129 + i);
  expect(number.drift()?.samples).toBe(256);
  expect(number.drift()?.value).toBeGreaterThan(1);
  expect(number.counter.nonFinite).toBe(1);
});

it('decides on fewer samples where neighbours are alike, and counts all of them', () => {
  const number = new WatchedNumber(profile);
  for (let i = 0; i < 10_000; i++) number.add(500 + 400 * Math.sin(i / 50), i);
  const largest = number.windows().at(-1);
  expect(largest?.samples).toBeLessThan(512);
  expect(number.counter.bins.reduce((sum, count) => sum + count, 0)).toBe(10_000);
});
