import { expect, it } from 'vitest';
import { percent } from './number.ts';
import { relativeTime } from './time.ts';

it.each([
  [-5_000, 'just now'],
  [4_999, 'just now'],
  [12_000, '10 s ago'],
  [59_999, '55 s ago'],
  [60_000, '1 min ago'],
  [3_599_999, '59 min ago'],
  [3_600_000, '1 h ago'],
  [86_400_000, '1 day ago'],
  [3 * 86_400_000, '3 days ago'],
])('says of an age of %i ms: %s', (ageMs, words) => {
  expect(relativeTime(1_000_000_000 - ageMs, 1_000_000_000)).toBe(words);
});

it('says all or nothing only when it is exactly that', () => {
  expect(percent(0, 4)).toBe('0 %');
  expect(percent(1, 1_000)).toBe('1 %');
  expect(percent(999, 1_000)).toBe('99 %');
  expect(percent(4, 4)).toBe('100 %');
  expect(percent(0, 0)).toBe('–');
});
