import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endEarlier, PROGRAMS } from './processes.ts';

describe('ending an earlier demo', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'rf-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** A process that says when it is ready for the signal. */
  async function startProcess(script: string, mark: string) {
    const child = spawn(process.execPath, [
      '-e',
      `${script}; setInterval(() => {}, 1000); console.log('up')`,
      mark,
    ]);
    await once(child.stdout, 'data');
    writeFileSync(join(dir, 'pids'), `${child.pid}\n`);
    return child;
  }

  it('waits for its processes, also when they remove the pid file themselves', async () => {
    const removePids = `process.on('SIGTERM', () => { require('fs').unlinkSync('${join(dir, 'pids')}'); process.exit() })`;
    const child = await startProcess(removePids, PROGRAMS.client);
    const ended = once(child, 'exit');
    expect(await endEarlier(dir)).toBe(1);
    await ended;
    expect(existsSync(join(dir, 'pids'))).toBe(false);
  });

  it('leaves a process alone that got the pid of one that has ended', async () => {
    const child = await startProcess('', 'somebody else');
    expect(await endEarlier(dir)).toBe(0);
    expect(child.exitCode).toBeNull();
    child.kill('SIGKILL');
  });

  it('has nothing to do in a folder without a pid file', async () => {
    expect(await endEarlier(dir)).toBe(0);
  });
});
