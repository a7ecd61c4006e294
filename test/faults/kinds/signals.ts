import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { untilTrue } from '../../lab/until.ts';
import type { AgentProcess } from '../lab/agent-process.ts';
import type { Device } from '../lab/device.ts';
import type { FaultFamily } from './kind.ts';
import { inEveryState } from './staged.ts';

const STOPPED_MS = 1_500;
/** A runner that stands still while it loads is waited for as long as its manifest allows, and some seconds. */
const STOPPED_REST_MS = 120_000;

/** Processes are stopped, killed, or end again and again. */
export const signals: FaultFamily = {
  kinds: ['SIGSTOP', 'SIGTERM', 'runner killed', 'runner stopped'],
  faults: async () => [
    ...inEveryState({ kind: 'SIGSTOP', at: 'agent', says: [], harm: stopAgent }),
    ...inEveryState({
      kind: 'SIGTERM',
      at: 'agent',
      says: [],
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
    ...inEveryState({
      kind: 'runner stopped',
      at: 'newest runner',
      restMs: STOPPED_REST_MS,
      // Where it is the only one, nothing answers until its limit ends it.
      excused: /^its first answer took /,
      harm: (_device, agent) => hit(agent, 'SIGSTOP'),
    }),
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
  // What rolls back may have none yet.
  await untilTrue('there is a runner', async () => agent.runnerPids().length > 0, { limitMs: 5_000 });
  const pid = agent.runnerPids().at(-1) ?? 0;
  process.kill(pid, signal);
  const wanted = signal === 'SIGKILL' ? ['', 'Z', 'X'] : ['T'];
  await untilTrue('the runner is hit', async () => wanted.includes(stateOf(pid)), { limitMs: 5_000 });
  return `runner ${pid} got ${signal}`;
}

function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')[0] ?? '';
  } catch {
    return '';
  }
}
