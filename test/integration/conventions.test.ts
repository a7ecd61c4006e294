import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CATALOG } from '@ringfleet/shared/errors';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PRODUCT = ['agent/src', 'fleet-server/src', 'fleet-server/dashboard/src', 'shared/src'];

function sourceFiles(): string[] {
  return PRODUCT.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter(
        (entry) =>
          entry.isFile() && /\.(ts|tsx|sql|css|html)$/.test(entry.name) && entry.name !== 'api-types.ts',
      )
      .map((entry) => join(entry.parentPath, entry.name)),
  );
}

describe('conventions of the sources', () => {
  it('knows no model of the demo in the product', () => {
    const offenders = sourceFiles().filter((path) =>
      /meter-digits|breast-cancer/.test(readFileSync(path, 'utf8')),
    );
    expect(offenders).toEqual([]);
  });

  it('says of every code what is wrong and what to do', () => {
    for (const [code, entry] of Object.entries(CATALOG)) {
      expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/);
      expect(entry.sentence, code).toMatch(/^\S.{10,}\.$/);
      expect(entry.remedy, code).toMatch(/^\S.{10,}\.$/);
    }
  });
});
