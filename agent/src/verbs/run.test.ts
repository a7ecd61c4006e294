import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../start.ts', import.meta.url));

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-run-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

it('ends when it cannot start, so that its service manager starts the next one', async () => {
  const args = ['--conditions=source', PROGRAM, 'run', '--state-dir', dir, '--config', '/dev/null'];
  const agent = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  agent.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = await once(agent, 'close', { signal: AbortSignal.timeout(25_000) });
  expect(code).toBe(2);
  expect(said).toContain('NOT_ENROLLED');
});
