import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentLab, type LabAgent, stateReports, until } from './agent-lab.fixture.ts';

// Each test starts worker threads from source: seconds on a busy machine.
vi.setConfig({ testTimeout: 20_000 });

let dir: string;
let lab: AgentLab;
let agents: LabAgent[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-agent-'));
  lab = new AgentLab(dir);
  agents = [];
});
afterEach(async () => {
  await Promise.all(agents.map((one) => one.stop()));
  rmSync(dir, { recursive: true, force: true });
});

async function start(): Promise<LabAgent> {
  const agent = await lab.start();
  agents.push(agent);
  return agent;
}
async function restart(agent: LabAgent): Promise<LabAgent> {
  await agent.stop();
  agents = agents.filter((one) => one !== agent);
  return start();
}
const settledOn = (agent: LabAgent, version: string) => async (): Promise<boolean> => {
  const [state] = agent.supervisor.states();
  // Traffic, so that soaks get their inferences.
  if (state?.phase === 'soaking') await agent.answer();
  return state?.phase === 'idle' && state.committed.version === version;
};
/** An agent with a committed 1.0.0. */
async function onFirst(): Promise<LabAgent> {
  lab.publish('1.0.0');
  const agent = await start();
  agent.intake.offer(lab.assignment(1, '1.0.0'));
  await until('1.0.0 is committed', settledOn(agent, '1.0.0'));
  return agent;
}
const answerOf = (agent: LabAgent): Promise<string> => agent.answer().catch((err: Error) => err.message);
const lastFailure = async (agent: LabAgent): Promise<unknown> =>
  stateReports(await agent.reports()).findLast((one) => one.failure)?.failure;

describe('an assigned release', () => {
  it('that runs on another provider than it asks for is reported once, with the reason', async () => {
    const provider = { asked: ['cuda', 'cpu'], active: 'cpu', reason: 'cuda: notInstalled' };
    lab.publish('1.0.0', { provider });
    const agent = await start();
    agent.intake.offer(lab.assignment(1, '1.0.0'));
    await until('1.0.0 is committed', settledOn(agent, '1.0.0'));
    const events = (await agent.reports()).filter((one) => one.id.stream === 'event').map((one) => one.body);
    expect(events).toMatchObject([
      { kind: 'downgrade', code: 'PROVIDER_DOWNGRADED', version: '1.0.0', data: { active: 'cpu' } },
    ]);
  });

  it('goes through every phase, answers, and is reported in order', async () => {
    const agent = await onFirst();
    expect(await agent.answer()).toBe('1.0.0');
    const phases = stateReports(await agent.reports()).map((one) => one.phase);
    expect(phases).toEqual([
      'offered',
      'downloading',
      'verifying',
      'preflight',
      'ready',
      'activating',
      'soaking',
      'idle',
    ]);
  });

  it('replaces the one before without a failed request', async () => {
    const agent = await onFirst();
    lab.publish('1.1.0');
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    const answers = new Set<string>();
    await until('1.1.0 is committed', async () => {
      answers.add(await agent.answer());
      return settledOn(agent, '1.1.0')();
    });
    expect([...answers]).toEqual(['1.0.0', '1.1.0']);
    await until('the old runner is gone', () => !lab.runner('1.0.0').isAlive);
    expect(readdirSync(join(dir, 'slots', 'tiny')).toSorted()).toEqual(['1.0.0', '1.1.0']);
  });

  it('arrives after the network was away, from where it stopped', async () => {
    lab.publish('1.0.0');
    const agent = await start();
    lab.isOffline = true;
    agent.intake.offer(lab.assignment(1, '1.0.0'));
    setTimeout(() => {
      lab.isOffline = false;
    }, 50);
    await until('1.0.0 is committed', settledOn(agent, '1.0.0'));
  });

  it('is removed when the next assignment does not list it', async () => {
    const agent = await onFirst();
    agent.intake.offer(lab.assignment(2, null));
    await until('it is gone', () => agent.state().phase === 'empty');
    await expect(agent.answer()).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
    expect(readdirSync(join(dir, 'slots'))).toEqual([]);
    agent.intake.offer(lab.assignment(3, '1.0.0'));
    await until('it is back', settledOn(agent, '1.0.0'));
  });
});

describe('a bad release', () => {
  it('that does worse on the active samples never answers anybody', async () => {
    const agent = await onFirst();
    const sentence = 'accuracy 0.61, the minimum is 0.95';
    lab.publish('1.1.0', { acceptanceOfOthers: { ok: false, code: 'ACCEPTANCE_FAILED', sentence } });
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('it is refused', async () => (await lastFailure(agent)) !== undefined);
    expect(await lastFailure(agent)).toEqual({
      code: 'ACCEPTANCE_OF_ACTIVE_FAILED',
      phase: 'preflight',
      reason: `1.1.0 on the samples of the active 1.0.0: ${sentence}`,
    });
    expect(await agent.answer()).toBe('1.0.0');
    await until('its runner is gone', () => !lab.runner('1.1.0').isAlive);
  });

  it('is tried again only when the attempt is raised', async () => {
    const agent = await onFirst();
    lab.publish('1.1.0', { cannotLoad: true });
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('it is refused', async () => (await lastFailure(agent)) !== undefined);
    lab.behaviours.set('1.1.0', {});
    agent.intake.offer(lab.assignment(3, '1.1.0', { soakMs: 60 }));
    await until('the generation is there', () => agent.supervisor.generation === 3);
    expect(agent.state()).toMatchObject({ phase: 'idle', committed: { version: '1.0.0' } });
    agent.intake.offer(lab.assignment(4, '1.1.0', { attempt: 1 }));
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
  });

  it('that is killed while it soaks gives way to the one before, which answers meanwhile', async () => {
    const agent = await onFirst();
    lab.publish('1.1.0');
    agent.intake.offer(lab.assignment(2, '1.1.0', { soakMs: 60_000 }));
    await until('it soaks', () => agent.state().phase === 'soaking');
    expect(await agent.answer()).toBe('1.1.0');
    lab.runner('1.1.0').die('EXECUTION_LIMIT_EXCEEDED', 'executionLimit');
    expect(await agent.answer()).toBe('1.0.0');
    await until('it is rolled back', () => agent.state().phase === 'idle');
    expect(await lastFailure(agent)).toMatchObject({ code: 'EXECUTION_LIMIT_EXCEEDED', phase: 'soaking' });
    const events = (await agent.reports()).filter((one) => one.id.stream === 'event').map((one) => one.body);
    expect(events).toMatchObject([{ kind: 'runnerExit' }, { kind: 'rollback', version: '1.1.0' }]);
  });

  it('whose bytes were changed on the way is refused and nothing of it is kept', async () => {
    const agent = await onFirst();
    lab.publish('1.1.0');
    lab.tamper = (bytes) => Buffer.from(bytes.toString().replace('weights', 'WEIGHTS'));
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('it is refused', async () => (await lastFailure(agent)) !== undefined);
    expect(await lastFailure(agent)).toMatchObject({ code: 'ARTIFACT_CORRUPT', phase: 'downloading' });
    expect(await agent.answer()).toBe('1.0.0');
  });

  it('is stood in for by the one before while its runner starts again, where that was declared', async () => {
    lab.keepsPrevious = true;
    const agent = await onFirst();
    lab.publish('1.1.0');
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
    await until('1.0.0 stays loaded', () => lab.runner('1.0.0').isAlive);
    lab.runner('1.1.0').die();
    expect(await agent.answer()).toBe('1.0.0');
    await until('1.1.0 answers again', async () => (await agent.answer()) === '1.1.0');
    expect(agent.state()).toMatchObject({ phase: 'idle', committed: { version: '1.1.0' } });
  });

  it('that regresses after its commit gives way to its predecessor', async () => {
    const agent = await onFirst();
    lab.publish('1.1.0');
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
    for (let i = 0; i < 3; i += 1) {
      await until('it runs', () => lab.runner('1.1.0').isAlive);
      lab.runner('1.1.0').die();
    }
    await until('1.0.0 is back', settledOn(agent, '1.0.0'));
    expect(await agent.answer()).toBe('1.0.0');
    expect(await lastFailure(agent)).toMatchObject({ code: 'RELEASE_REGRESSED' });
  });
});

describe('a restart', () => {
  it('serves what is committed without any network', async () => {
    const before = await onFirst();
    lab.isOffline = true;
    const agent = await restart(before);
    await until('it serves', async () => (await agent.answer()) === '1.0.0');
    expect(lab.started).toHaveLength(2);
  });

  it('takes up a soak where it was', async () => {
    const before = await onFirst();
    lab.publish('1.1.0');
    before.intake.offer(lab.assignment(2, '1.1.0', { soakMs: 1_000 }));
    await until('it soaks', () => before.state().phase === 'soaking');
    lab.isOffline = true;
    const agent = await restart(before);
    expect(agent.state().phase).toBe('soaking');
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
  });

  it('loads nothing whose bytes changed on disk', async () => {
    const before = await onFirst();
    lab.publish('1.1.0');
    before.intake.offer(lab.assignment(2, '1.1.0'));
    await until('1.1.0 is committed', settledOn(before, '1.1.0'));
    await before.stop();
    agents = [];
    writeFileSync(join(dir, 'slots/tiny/1.1.0/model.onnx'), 'rotten');
    lab.isOffline = true;
    const started = lab.started.length;
    const agent = await start();
    await until('the one before serves', async () => (await answerOf(agent)) === '1.0.0');
    expect(lab.started.slice(started).map((one) => one.spec.version)).toEqual(['1.0.0']);
    lab.isOffline = false;
    await until('1.1.0 was fetched again', settledOn(agent, '1.1.0'));
    expect(await lastFailure(agent)).toMatchObject({ code: 'SLOT_CORRUPT' });
  });
});

/** Flips one bit of a file where it lies, as a worn-out disk does. */
function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

describe('a byte that flips while the agent is off', () => {
  it.each(['model.onnx', 'manifest.json'])(
    'in %s of the only release is said, and the file comes again before anything is loaded',
    async (file) => {
      const before = await onFirst();
      await before.stop();
      agents = [];
      flip(join(dir, 'slots/tiny/1.0.0', file));
      lab.isOffline = true;
      const agent = await start();
      const codes = async () => (await agent.reports()).map(({ body }) => (body as { code?: string }).code);
      await until('it is reported', async () => (await codes()).includes('SLOT_CORRUPT'));
      await expect(agent.answer()).rejects.toMatchObject({ code: 'MODEL_EMPTY' });
      expect(lab.started).toHaveLength(1);
      lab.isOffline = false;
      const answer = (): Promise<string> => agent.answer().catch(() => 'none');
      await until('it serves again', async () => (await answer()) === '1.0.0');
    },
  );

  it.each(['preflight', 'shadow'])(
    'in the release that answered does not bar the one in %s',
    async (phase) => {
      const before = await onFirst();
      lab.publish('1.1.0', { hangs: phase === 'preflight' });
      const terms = { minInferences: 1, deadlineMs: 60_000, samplePerMille: 1000, minAgreementPerMille: 0 };
      before.intake.offer(lab.assignment(2, '1.1.0', phase === 'shadow' ? { shadow: terms } : {}));
      await until(`1.1.0 is in ${phase}`, async () => before.supervisor.states()[0]?.phase === phase);
      await before.stop();
      agents = [];
      flip(join(dir, 'slots/tiny/1.0.0/model.onnx'));
      lab.behaviours.set('1.1.0', {});
      const agent = await start();
      await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
    },
  );

  it('in a blob of a release that is on its way brings that blob again', async () => {
    const before = await onFirst();
    lab.publish('1.1.0', { cannotLoad: true });
    before.intake.offer(lab.assignment(2, '1.1.0'));
    await until('1.1.0 is given up', async () => (await lastFailure(before)) !== undefined);
    const kept = new Set(blobsIn(join(dir, 'slots')).map(({ inode }) => inode));
    await before.stop();
    agents = [];
    for (const { path, inode } of blobsIn(join(dir, 'blobs'))) if (!kept.has(inode)) flip(path);
    lab.behaviours.set('1.1.0', {});
    const agent = await start();
    agent.intake.offer(lab.assignment(3, '1.1.0', { attempt: 1 }));
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
  });
});

const blobsIn = (folder: string): { path: string; inode: number }[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .map((path) => ({ path, inode: statSync(path).ino }));

describe('an assignment', () => {
  it('that nobody we trust signed changes nothing', async () => {
    const agent = await onFirst();
    lab.publish('1.1.0');
    agent.intake.offer(lab.assignment(2, '1.1.0', {}, lab.stranger()));
    await until('it is refused', () => agent.refused.length > 0);
    expect(agent.refused).toEqual(['KEY_UNKNOWN']);
    expect(agent.supervisor.generation).toBe(1);
  });

  it('is taken once, and an older one never again', async () => {
    const agent = await onFirst();
    lab.publish('1.1.0');
    const old = lab.assignment(2, '1.1.0');
    const newer = lab.assignment(3, '1.0.0');
    agent.intake.offer(newer);
    await until('it is accepted', () => agent.supervisor.generation === 3);
    agent.intake.offer(newer);
    agent.intake.offer(old);
    await until('the old one is refused', () => agent.refused.length > 0);
    expect(agent.refused).toEqual(['ASSIGNMENT_REPLAYED']);
  });

  it('may go back down to the floor of the last commit and no further, whatever is published later', async () => {
    const agent = await onFirst();
    lab.publish('1.1.0');
    lab.floor = 2;
    lab.publish('1.2.0');
    agent.intake.offer(lab.assignment(2, '1.2.0'));
    await until('1.2.0 is committed', settledOn(agent, '1.2.0'));
    lab.floor = 1;
    lab.publishAgain();
    agent.intake.offer(lab.assignment(3, '1.1.0'));
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
    agent.intake.offer(lab.assignment(4, '1.0.0'));
    await until('1.0.0 is refused', () => agent.refused.length > 0);
    expect(agent.refused).toEqual(['RELEASE_BELOW_FLOOR']);
    expect(agent.state()).toMatchObject({ phase: 'idle', committed: { version: '1.1.0' } });
  });

  it('is refused at once below a floor that was raised after the commit', async () => {
    const agent = await onFirst();
    lab.publish('1.1.0');
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
    lab.floor = 2;
    lab.publishAgain();
    agent.intake.offer(lab.assignment(3, '1.0.0'));
    await until('1.0.0 is refused', () => agent.refused.length > 0);
    expect(agent.refused).toEqual(['RELEASE_BELOW_FLOOR']);
  });

  it('is judged by the newest root: what only a revoked key signed is not believed any more', async () => {
    const agent = await onFirst();
    lab.publish('1.1.0');
    lab.publishRoot(lab.stranger());
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('it is refused', () => agent.refused.length > 0);
    expect(agent.refused).toEqual(['KEY_UNKNOWN']);
    expect(await agent.answer()).toBe('1.0.0');
  });

  it('is not taken while a next root is offered that the old one did not sign', async () => {
    const agent = await onFirst();
    lab.publish('1.1.0');
    const thief = lab.stranger();
    lab.publishRoot(thief, thief);
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('it is refused', () => agent.refused.length > 0);
    expect(agent.refused).toEqual(['KEY_UNKNOWN']);
  });
});
