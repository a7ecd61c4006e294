import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lookUpCode } from '@ringfleet/shared/errors';
import { describe, expect, it } from 'vitest';
import { ATTACKS, BY_TITLE } from './registry.ts';
import { securityPage } from './table.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the table of attacks', () => {
  it('stands in docs/security.md as the registry has it', () => {
    const { now, wanted } = securityPage();
    expect(now, 'run `npm run attacks -- --write`').toBe(wanted);
  });

  it('names every attack once, with a test that is there', () => {
    expect(new Set(ATTACKS.map((one) => one.attack)).size).toBe(ATTACKS.length);
    expect(ATTACKS.filter((one) => !existsSync(join(ROOT, one.test)))).toEqual([]);
    const untested = BY_TITLE.filter(({ attack, test }) => {
      const text = readFileSync(join(ROOT, test), 'utf8');
      return !["'", '"', '`'].some((quote) => text.includes(quote + attack + quote));
    });
    expect(untested).toEqual([]);
  });

  it('names codes of the catalogue', () => {
    expect(ATTACKS.filter(({ code }) => /^[A-Z]/.test(code) && !lookUpCode(code))).toEqual([]);
  });
});
