import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Judgement } from '../../scripts/demo/judge.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEADLINE_MS = 200_000;

export interface DemoRun {
  readonly dir: string;
  readonly exitCode: number | null;
  readonly output: string;
  /** The last line of stdout. */
  readonly line: Judgement & { readonly reason?: string; readonly seed?: number };
  readonly tookMs: number;
}

/** Runs the demo to its JSON line, as `npm run demo -- --once` does after set-up, in a folder of its own. */
export async function runDemo(...options: readonly string[]): Promise<DemoRun> {
  const parent = await mkdtemp(join(tmpdir(), 'rf-'));
  const dir = join(parent, 'demo');
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    ['--conditions=source', 'scripts/demo/main.ts', '--once', '--dir', dir, ...options],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'], timeout: DEADLINE_MS },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`the demo printed no JSON line:\n${output}`);
  return { dir, exitCode, output, line: JSON.parse(last), tookMs: performance.now() - startedAt };
}

export const removeRun = (run: DemoRun): Promise<void> =>
  rm(join(run.dir, '..'), { recursive: true, force: true });
