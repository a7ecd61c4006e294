import { expect, it } from 'vitest';
import { readDegraded, writeDegraded } from './degraded.ts';

const values = [
  { feature: 'speed', reason: 'outOfRange', row: 0 },
  { feature: 'temp °C "out" \\ 5 %', reason: 'missing', row: 3 },
];

it('says in printable ASCII which values broke their schema, and is read back', () => {
  const text = writeDegraded(values);
  expect(text.startsWith('"speed";reason=outOfRange;row=0, "temp %C2%B0C')).toBe(true);
  expect(text).toMatch(/^[ -~]*$/);
  expect(readDegraded(text)).toEqual({ values, isComplete: true });
  expect(readDegraded('')).toEqual({ values: [], isComplete: true });
});

it('fits into a header, and says how many it left out', () => {
  const many = Array.from({ length: 500 }, (_, row) => ({ feature: 'speed', reason: 'missing', row }));
  const text = writeDegraded(many);
  expect(text.length).toBeLessThan(2_100);
  const { values: found, isComplete } = readDegraded(text);
  expect(isComplete).toBe(false);
  expect(text.endsWith(`more;count=${500 - found.length}`)).toBe(true);
  expect(found).toEqual(many.slice(0, found.length));
});

it('does not stumble over a name that is no text', () => {
  expect(writeDegraded([{ feature: '\ud800', reason: 'missing', row: 0 }])).toMatch(/^[ -~]*$/);
});
