import { expect, it } from 'vitest';
import { renewalStep } from './renewal.ts';

it.each([
  [0, 'keep'],
  [59, 'keep'],
  [60, 'due'],
  [89, 'due'],
  [90, 'ended'],
])('a certificate of 90 days on day %i: %s', (day, step) => {
  expect(renewalStep({ notBeforeMs: 0, notAfterMs: 90 }, day)).toBe(step);
});
