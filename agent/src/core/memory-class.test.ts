import { expect, it } from 'vitest';
import { memoryClassOf } from './memory-class.ts';

it.each([
  [1, '256m'],
  [256 * 1024 ** 2, '256m'],
  [256 * 1024 ** 2 + 1, '512m'],
  [4 * 1024 ** 3, '4g'],
  [4 * 1024 ** 3 + 1, 'max'],
])('gives a release of %i bytes the smallest unit that holds it: %s', (bytes, name) => {
  expect(memoryClassOf(bytes)).toBe(name);
});
