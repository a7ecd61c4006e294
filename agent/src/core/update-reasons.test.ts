import { readFileSync } from 'node:fs';
import { lookUpCode } from '@ringfleet/shared/errors';
import { expect, it } from 'vitest';

const page = readFileSync(new URL('../../../docs/updates.md', import.meta.url), 'utf8');
const [, table = ''] = page.split('## Reasons');
const rows = table
  .split('\n')
  .map((line) => /^\| (.*?) \| ([A-Z]+) \|/.exec(line))
  .filter((row) => row !== null)
  .flatMap(([, codes = '', errorClass = '']) =>
    [...codes.matchAll(/`([A-Z_]+)`/g)].map((match) => [match[1] ?? '', errorClass] as const),
  );

it.each(rows)('the page about updates says of %s what the catalogue says: %s', (code, errorClass) => {
  expect(lookUpCode(code)?.class).toBe(errorClass);
});

it('the page about updates names every reason that the update machine gives by itself', () => {
  const sources = [
    'constraints',
    'permission',
    'soak',
    'shadow',
    'update-machine',
    'update-setbacks',
    'regression',
  ];
  const named = new Set(rows.map(([code]) => code));
  for (const source of sources) {
    const text = readFileSync(new URL(`./${source}.ts`, import.meta.url), 'utf8');
    for (const [, code = ''] of text.matchAll(/'([A-Z]+(?:_[A-Z]+)+)'/g)) expect(named, code).toContain(code);
  }
});
