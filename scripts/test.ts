import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Everything CI runs: lint, types, then all tests. The last line is the count. Tests that own real processes run after the
 * others, so that two cores are not fought over. Further arguments go to vitest as they are.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules/.bin');
const extra = process.argv.slice(2);

interface Summary {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTotalTestSuites: number;
  readonly success: boolean;
}

step('lint', [join(BIN, 'biome'), 'check', '--error-on-warnings']);
step('types', [join(BIN, 'tsc'), '-b']);

const results = join(mkdtempSync(join(tmpdir(), 'ringfleet-test-')), 'results.json');
let [passed, failed, skipped] = [0, 0, 0];
for (const projects of [['unit'], ['integration', 'browser', 'e2e'], ['faults']]) {
  const { isOk, summary } = vitest(projects);
  passed += summary?.numPassedTests ?? 0;
  skipped += summary?.numPendingTests ?? 0;
  // A file that cannot even be loaded has no tests to count; it must not pass for that.
  failed += summary?.numFailedTests || (isOk ? 0 : 1);
}
rmSync(results, { force: true });
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = failed > 0 || (skipped > 0 && process.env['CI'] === 'true') ? 1 : 0;

function vitest(projects: readonly string[]): { isOk: boolean; summary: Summary | null } {
  rmSync(results, { force: true });
  const status = run([
    join(BIN, 'vitest'),
    'run',
    ...projects.flatMap((name) => ['--project', name]),
    '--passWithNoTests',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${results}`,
    ...extra,
  ]);
  try {
    return { isOk: status === 0, summary: JSON.parse(readFileSync(results, 'utf8')) as Summary };
  } catch {
    return { isOk: false, summary: null };
  }
}

function step(what: string, command: readonly string[]): void {
  if (run(command) === 0) return;
  process.stdout.write(`${what} failed\n0 passed, 1 failed\n`);
  process.exit(1);
}

function run(command: readonly string[]): number {
  const [program = '', ...args] = command;
  return spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' }).status ?? 1;
}
