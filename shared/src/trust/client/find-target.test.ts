import { expect, it } from 'vitest';
import { fits } from './find-target.ts';

it.each([
  ['models/tiny/1.0.0/manifest.json', 'models/tiny/*/*', true],
  ['models/tiny/1.0.0/deeper/manifest.json', 'models/tiny/*/*', false],
  ['models/tiny2/1.0.0/manifest.json', 'models/tiny/*/*', false],
  ['a.tgz', '*.tgz', true],
  ['.tgz', '*.tgz', true],
  ['a/b.tgz', '*.tgz', false],
  ['targets', 't?rgets', true],
  ['aaab', '*a*b', true],
  ['aaac', '*a*b', false],
  ['x', '{x,y}', false],
])('says whether %s fits %s', (path, pattern, expected) => {
  expect(fits(path, pattern)).toBe(expected);
});

it('is not held up by a pattern made to be slow', () => {
  const startedAt = performance.now();
  expect(fits('a'.repeat(2_000), `${'*a'.repeat(1_000)}b`)).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
