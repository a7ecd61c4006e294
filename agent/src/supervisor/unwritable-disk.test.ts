import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Telemetry } from '@ringfleet/shared/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentLab, type LabAgent, stateReports, until } from './agent-lab.fixture.ts';

// Each test starts worker threads from source: seconds on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

let dir: string;
let lab: AgentLab;
let agents: LabAgent[];

const missing = (() => {
  if (process.getuid?.() !== 0) return 'mounting a small file system needs root';
  const probe = mkdtempSync(join(tmpdir(), 'rf-probe-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', probe], { stdio: 'pipe' });
    execFileSync('umount', [probe]);
    return null;
  } catch (err) {
    return err instanceof Error ? err.message : String(err);
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
})();
if (missing) process.stderr.write(`skipped: disks that take no writes (${missing})\n`);

/** Fills the file system to the last byte. */
function fill(): void {
  const file = openSync(join(dir, 'ballast'), 'w');
  try {
    for (const size of [65_536, 4_096, 1]) {
      const block = Buffer.alloc(size);
      try {
        while (writeSync(file, block) > 0);
      } catch {
        // Full: on with the smaller blocks.
      }
    }
  } finally {
    closeSync(file);
  }
}
const free = (): void => rmSync(join(dir, 'ballast'));
const remount = (how: 'ro' | 'rw'): void => {
  execFileSync('mount', ['-o', `remount,${how}`, dir]);
};

/** ext4 in a file: unlike tmpfs it can turn read-only under open files, as it does when a card fails. */
function mountImage(): void {
  if (!existsSync(`${dir}.img`)) {
    execFileSync('truncate', ['-s', '16M', `${dir}.img`]);
    execFileSync('mkfs.ext4', ['-q', '-O', '^has_journal', `${dir}.img`]);
  }
  execFileSync('mount', ['-o', 'loop', `${dir}.img`, dir]);
}

const settledOn = (agent: LabAgent, version: string) => async (): Promise<boolean> => {
  const [state] = agent.supervisor.states();
  if (state?.committed || state?.phase === 'soaking') await agent.answer();
  return state?.phase === 'idle' && state.committed.version === version;
};
async function start(): Promise<LabAgent> {
  const agent = await lab.start();
  agents.push(agent);
  return agent;
}
async function onFirst(): Promise<LabAgent> {
  lab.publish('1.0.0');
  const agent = await start();
  agent.intake.offer(lab.assignment(1, '1.0.0'));
  await until('1.0.0 is committed', settledOn(agent, '1.0.0'));
  lab.publish('1.1.0');
  return agent;
}
const windows = async (agent: LabAgent): Promise<Telemetry[]> =>
  (await agent.reports()).filter((one) => one.id.stream === 'tele').map((one) => one.body as Telemetry);

describe.skipIf(missing)('a disk that takes no writes', () => {
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'rf-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'none', dir]);
    lab = new AgentLab(dir);
    agents = [];
  });
  afterEach(async () => {
    await Promise.all(agents.map((one) => one.stop().catch(() => undefined)));
    execFileSync('umount', ['-l', dir]);
    for (const path of [dir, `${dir}.img`]) rmSync(path, { recursive: true, force: true });
  });

  it('when it turns read-only under a running agent costs no answer, is said, and is over after the next start', async (context) => {
    execFileSync('umount', [dir]);
    try {
      mountImage();
    } catch (err) {
      execFileSync('mount', ['-t', 'tmpfs', 'none', dir]);
      process.stderr.write(`skipped: a disk that turns read-only (${String(err)})\n`);
      return context.skip();
    }
    lab = new AgentLab(dir);
    const agent = await onFirst();
    expect(agent.supervisor.diskTrouble).toBeNull();
    execFileSync('mount', ['-o', 'remount,abort', dir]);
    await agent.supervisor.heartbeat();
    expect(agent.supervisor.diskTrouble).toMatchObject({ message: expect.stringMatching(/disk|readonly/) });
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    for (let i = 0; i < 50; i += 1) expect(await agent.answer()).toBe('1.0.0');
    expect(agent.state()).toMatchObject({ phase: 'idle', committed: { version: '1.0.0' } });
    await agent.stop();
    agents = [];
    execFileSync('umount', [dir]);
    mountImage();
    const after = await start();
    expect(after.supervisor.diskTrouble).toBeNull();
    expect(await after.answer()).toBe('1.0.0');
    after.intake.offer(lab.assignment(3, '1.1.0'));
    await until('1.1.0 is committed', settledOn(after, '1.1.0'));
  });

  it('when it is full holds updates and loses no count, while every request is answered', async () => {
    const agent = await onFirst();
    await agent.supervisor.heartbeat();
    fill();
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    for (let i = 0; i < 50; i += 1) expect(await agent.answer()).toBe('1.0.0');
    for (let i = 0; i < 3; i += 1) await agent.supervisor.heartbeat();
    expect(agent.supervisor.diskTrouble?.message).toMatch(/full/);
    expect(agent.state()).toMatchObject({ phase: 'idle', committed: { version: '1.0.0' } });
    free();
    agent.intake.offer(lab.assignment(3, '1.1.0'));
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
    await agent.supervisor.heartbeat();
    expect(agent.supervisor.diskTrouble).toBeNull();
    const seen = await windows(agent);
    for (const [i, window] of seen.entries()) if (i > 0) expect(window.from).toBe(seen[i - 1]?.to);
    const answers = seen.flatMap((one) => one.models).reduce((sum, one) => sum + one.answers, 0);
    expect(answers).toBeGreaterThanOrEqual(50);
  });

  it.each(['full', 'read-only'])(
    'at the start, because it is %s, serves what is proven from memory',
    async (kind) => {
      const before = await onFirst();
      await before.stop();
      agents = [];
      if (kind === 'full') fill();
      else remount('ro');
      const agent = await start();
      expect(await agent.answer()).toBe('1.0.0');
      expect(agent.isVolatile).toBe(true);
      expect(agent.supervisor.diskTrouble).not.toBeNull();
      agent.intake.offer(lab.assignment(2, '1.1.0'));
      await until('it is accepted', () => agent.supervisor.generation === 2);
      expect(await agent.answer()).toBe('1.0.0');
      expect(agent.state()).toMatchObject({ phase: 'idle', committed: { version: '1.0.0' } });
      const events = (await agent.reports())
        .filter((one) => one.id.stream === 'event')
        .map((one) => one.body);
      expect(events).toMatchObject([{ code: 'STATE_NOT_WRITABLE', severity: 'error' }]);
      expect(stateReports(await agent.reports())).toEqual([]);
      await agent.stop();
      agents = [];
      if (kind === 'full') free();
      else remount('rw');
      const after = await start();
      expect(after.isVolatile).toBe(false);
      after.intake.offer(lab.assignment(3, '1.1.0'));
      await until('1.1.0 is committed', settledOn(after, '1.1.0'));
    },
  );
});
