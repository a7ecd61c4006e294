import { CATALOG } from '@ringfleet/shared/errors';

/** docs/errors.md, from the catalogue. */
export function errorDocs(): string {
  const rows = Object.entries(CATALOG)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, entry]) => `| \`${code}\` | ${entry.class} | ${entry.sentence} | ${entry.remedy} |`);
  return [
    '# Error codes',
    '',
    'Generated from `shared/src/errors` by the build. The class says whose problem it is: INFRA and SITE never count against a release.',
    '',
    '| code | class | what is wrong | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
