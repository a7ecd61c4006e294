import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ATTACKS } from './registry.ts';

const PAGE = fileURLToPath(new URL('../../docs/security.md', import.meta.url));
const BEGIN = '<!-- attacks: made by `npm run attacks -- --write` -->';
const END = '<!-- attacks end -->';

/** The table attack × check × code, as Markdown. */
export function attackTable(): string {
  const rows = ATTACKS.map(({ attack, check, code, test }) => {
    const shown = /^[A-Z]/.test(code) ? `\`${code}\`` : code;
    return `| ${attack} | ${check} | ${shown} | \`${test}\` |`;
  });
  return ['| attack | check | code | test |', '|---|---|---|---|', ...rows].join('\n');
}

/** docs/security.md as it stands, and as it should. */
export function securityPage(): { readonly now: string; readonly wanted: string } {
  const now = readFileSync(PAGE, 'utf8');
  const [before, rest = ''] = now.split(BEGIN);
  const after = rest.split(END)[1];
  if (after === undefined) throw new Error(`docs/security.md has lost its lines "${BEGIN}" and "${END}"`);
  return { now, wanted: `${before}${BEGIN}\n${attackTable()}\n${END}${after}` };
}

/** Puts the table into docs/security.md. */
export function writeSecurityPage(): void {
  writeFileSync(PAGE, securityPage().wanted);
}
