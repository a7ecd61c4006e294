import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CATALOG, lookUpCode } from './catalog.ts';

it('names every code in one part only, so that none silently wins over another', () => {
  const parts = readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('-errors.ts'));
  const codes = parts.flatMap((name) =>
    [...readFileSync(new URL(name, import.meta.url), 'utf8').matchAll(/^ {2}([A-Z][A-Z0-9_]+): \{/gm)].map(
      (m) => m[1],
    ),
  );
  expect(codes.toSorted()).toEqual(Object.keys(CATALOG).toSorted());
});

it('knows nothing of a code that a newer peer made up, nor of inherited names', () => {
  expect(lookUpCode('SOMETHING_NEW')).toBeUndefined();
  expect(lookUpCode('constructor')).toBeUndefined();
});
