import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { untilTrue } from '../../lab/until.ts';
import type { AgentProcess } from '../lab/agent-process.ts';
import type { Device } from '../lab/bench.ts';
import type { FaultFamily } from './kind.ts';
import { inEveryState } from './staged.ts';

const STOPPED_MS = 1_500;
const KILLS = 6;
const TRIAL_MS = 20_000;

/** Processes are stopped, killed, or end again and again. */
export const signals: FaultFamily = {
  kinds: ['SIGSTOP', 'SIGTERM', 'runner killed', 'runner stopped', 'boot loop'],
  faults: async () => [
    ...inEveryState({ kind: 'SIGSTOP', at: 'agent', harm: stopAgent }),
    ...inEveryState({
      kind: 'SIGTERM',
      at: 'agent',
      async harm(_device, agent) {
        await agent.stop();
        return `ended with ${JSON.stringify(await agent.ended)}`;
      },
    }),
    ...inEveryState({
      kind: 'runner killed',
      at: 'newest runner',
      harm: (_device, agent) => hit(agent, 'SIGKILL'),
    }),
    // The one that serves: a candidate that stands still while it is proved is waited for longer than a case may take.
    ...inEveryState(
      { kind: 'runner stopped', at: 'newest runner', harm: (_device, agent) => hit(agent, 'SIGSTOP') },
      ['idle', 'offered', 'downloading', 'verifying'],
    ),
    ...inEveryState({ kind: 'boot loop', at: `killed ${KILLS} times`, harm: killAgain }, [
      'preflight',
      'activating',
      'soaking',
    ]),
  ],
};

async function stopAgent(_device: Device, agent: AgentProcess): Promise<string | null> {
  const pid = agent.agentPid;
  process.kill(pid, 'SIGSTOP');
  await untilTrue('it stands still', async () => stateOf(pid) === 'T', { limitMs: 5_000 });
  await sleep(STOPPED_MS);
  const proof = `/proc/${pid}/stat says ${stateOf(pid)}`;
  process.kill(pid, 'SIGCONT');
  return proof;
}

async function hit(agent: AgentProcess, signal: 'SIGKILL' | 'SIGSTOP'): Promise<string | null> {
  const pid = agent.runnerPids().at(-1);
  if (pid === undefined) return null;
  process.kill(pid, signal);
  const wanted = signal === 'SIGKILL' ? ['', 'Z', 'X'] : ['T'];
  await untilTrue('the runner is hit', async () => wanted.includes(stateOf(pid)), { limitMs: 5_000 });
  return `runner ${pid} got ${signal}`;
}

/** What a release looks like from outside that kills its agent: it dies whenever the release is about to run. */
async function killAgain(device: Device, agent: AgentProcess): Promise<string | null> {
  let deaths = 0;
  for (let running = agent; deaths < KILLS; running = device.start()) {
    let isGivenUp = false;
    const isOnTrial = async (): Promise<boolean> => {
      const status = await device.status();
      const [model] = status?.models ?? [];
      isGivenUp = model?.phase === 'idle' && model.committed?.version === '1.0.0' && deaths > 0;
      return isGivenUp || ['preflight', 'ready', 'activating', 'soaking'].includes(model?.phase ?? '');
    };
    await untilTrue('the release is on trial', isOnTrial, { limitMs: TRIAL_MS });
    running.signal('SIGKILL');
    await running.ended;
    await running.untilGone(10_000);
    deaths += 1;
    if (isGivenUp) return `given up before SIGKILL number ${deaths}`;
  }
  return null;
}

function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')[0] ?? '';
  } catch {
    return '';
  }
}
