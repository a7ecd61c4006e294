import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentLab, type LabAgent, stateReports, until } from './agent-lab.fixture.ts';

vi.setConfig({ testTimeout: 20_000 });

const MIB = 1024 ** 2;
const OF_100_MIB = { limits: { memoryBytes: 100 * MIB, loadMs: 1000, inferMs: 1000 } };
/** Half a year away. */
const CLOSED = {
  cron: `0 0 1 ${((new Date().getMonth() + 6) % 12) + 1} *`,
  timeZone: 'UTC',
  graceMs: 3_600_000,
};

let dir: string;
let lab: AgentLab;
let agent: LabAgent;
const answerOf = (): Promise<string> => agent.answer().catch((err: { code?: string }) => err.code ?? '');
const settledOn = (version: string) => async (): Promise<boolean> => {
  const [state] = agent.supervisor.states();
  if (state?.phase === 'soaking') await answerOf();
  return state?.phase === 'idle' && state.committed.version === version;
};
const lastFailure = async () => stateReports(await agent.reports()).findLast((one) => one.failure)?.failure;
const events = async (): Promise<string[]> =>
  (await agent.reports())
    .filter((one) => one.id.stream === 'event')
    .map((one) => (one.body as { code: string }).code);

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rf-memory-'));
  lab = new AgentLab(dir);
  lab.publish('1.0.0', {}, OF_100_MIB);
  lab.publish('1.1.0', {}, OF_100_MIB);
  agent = await lab.start();
  agent.intake.offer(lab.assignment(1, '1.0.0'));
  await until('1.0.0 is committed', settledOn('1.0.0'));
});
afterEach(async () => {
  await agent.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe('a device with memory for one runner', () => {
  beforeEach(() => {
    lab.memoryFreeBytes = 200 * MIB;
    lab.runnerBytes = 150 * MIB;
  });

  it('goes over to the next release with one runner at a time, and says so once', async () => {
    lab.publish('1.2.0', {}, OF_100_MIB);
    agent.intake.offer(lab.assignment(2, '1.2.0'));
    let most = 0;
    await until('1.2.0 is committed', async () => {
      most = Math.max(most, lab.alive().length);
      return settledOn('1.2.0')();
    });
    expect(most).toBe(1);
    expect(await agent.answer()).toBe('1.2.0');
    expect((await events()).filter((code) => code === 'NO_ROOM_BESIDE')).toHaveLength(1);
  });

  it('is not interrupted for the proof outside of the maintenance window', async () => {
    lab.publish('1.2.0', {}, OF_100_MIB);
    agent.intake.offer(lab.assignment(2, '1.2.0', { window: CLOSED }));
    await until('it waits', () => {
      const state = agent.state();
      return 'waiting' in state && state.waiting?.code === 'WINDOW_CLOSED';
    });
    expect(agent.state().phase).toBe('preflight');
    expect(await agent.answer()).toBe('1.0.0');
    agent.intake.offer(lab.assignment(3, '1.2.0'));
    await until('1.2.0 is committed', settledOn('1.2.0'));
  });

  it('has its proven release back when the next one fails its proof', async () => {
    const conformance = { ok: false, code: 'CONFORMANCE_FAILED', sentence: 'other outputs' } as const;
    lab.publish('1.2.0', { conformance }, OF_100_MIB);
    agent.intake.offer(lab.assignment(2, '1.2.0'));
    await until('it is given up', async () => (await lastFailure())?.code === 'CONFORMANCE_FAILED');
    await until('1.0.0 answers', async () => (await answerOf()) === '1.0.0');
    expect(lab.alive().map((one) => one.spec.version)).toEqual(['1.0.0']);
  });

  it('has its proven release back when the next one dies while it soaks', async () => {
    lab.publish('1.2.0', {}, OF_100_MIB);
    agent.intake.offer(lab.assignment(2, '1.2.0', { soakMs: 60_000 }));
    await until('it soaks', () => agent.state().phase === 'soaking');
    await until('the proven one stands by without a runner', () => !lab.runner('1.0.0').isAlive);
    expect(agent.supervisor.neglected()).toBeNull();
    lab.runner('1.2.0').die();
    await until('1.0.0 answers', async () => (await answerOf()) === '1.0.0');
    await until('1.0.0 is what is proven', settledOn('1.0.0'));
  });

  it('keeps no release before loaded that it has no memory for', async () => {
    lab.keepsPrevious = true;
    lab.publish('1.2.0', {}, OF_100_MIB);
    agent.intake.offer(lab.assignment(2, '1.2.0'));
    await until('1.2.0 is committed', settledOn('1.2.0'));
    lab.runner('1.2.0').die();
    await until('1.2.0 answers again', async () => (await answerOf()) === '1.2.0');
    expect(lab.alive()).toHaveLength(1);
  });
});

describe('a runner that does not come up', () => {
  it('is the fault of the machine where none of the proven release comes up either', async () => {
    lab.startsNothing = true;
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('it is given up', async () => (await lastFailure()) !== undefined);
    expect(await lastFailure()).toMatchObject({ code: 'MACHINE_STARTS_NO_RUNNER', phase: 'preflight' });
    expect(await agent.answer()).toBe('1.0.0');
  });

  it('is tried again while the machine recovers', async () => {
    lab.startsNothing = true;
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('it is tried', () => agent.state().phase === 'preflight');
    lab.startsNothing = false;
    await until('1.1.0 is committed', settledOn('1.1.0'));
  });

  it('is the fault of the release where one of the proven release does', async () => {
    lab.behaviours.set('1.1.0', { cannotLoad: 'RUNNER_START_FAILED' });
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('it is given up', async () => (await lastFailure()) !== undefined);
    expect(await lastFailure()).toMatchObject({
      code: 'MODEL_LOAD_FAILED',
      reason: 'not a model; a runner of the proven 1.0.0 starts on this machine',
    });
  });

  it('does not take a proven release back to the one before while the machine starts nothing', async () => {
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('1.1.0 is committed', settledOn('1.1.0'));
    lab.startsNothing = true;
    lab.runner('1.1.0').die();
    await until('it was tried again', async () => (await events()).length >= 4);
    expect(agent.state()).toMatchObject({ phase: 'idle', committed: { version: '1.1.0' } });
    lab.startsNothing = false;
    await until('1.1.0 answers again', async () => (await answerOf()) === '1.1.0');
  });
});
