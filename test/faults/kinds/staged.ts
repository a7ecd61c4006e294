import { untilTrue } from '../../lab/until.ts';
import type { AgentProcess } from '../lab/agent-process.ts';
import type { Device, StartOptions } from '../lab/bench.ts';
import { survives } from '../lab/invariants.ts';
import type { Terms } from '../lab/publisher.ts';
import type { Fault } from './kind.ts';

const REACH_MS = 30_000;

/** Where an update can be when something happens around the device. `idle`: it has not been offered yet. */
export const STATES = [
  ...['idle', 'offered', 'downloading', 'verifying', 'preflight', 'ready', 'activating', 'soaking'],
] as const;

export interface Staged {
  readonly kind: string;
  readonly at: string;
  readonly wanted?: string;
  /** Releases that may answer, and in the end serve. */
  readonly known?: readonly string[];
  readonly terms?: Terms;
  /** What may be wrong afterwards, because nothing can be done about it; docs/faults.md says why. */
  readonly excused?: RegExp;
  /** How the agent is started before the fault, and after it. */
  readonly options?: (device: Device) => StartOptions;
  /** Before the device starts, on its fresh folder. */
  readonly before?: (device: Device) => Promise<void> | void;
  /** Does it; answers with the proof. An agent that has ended afterwards is started again. */
  readonly harm: (device: Device, agent: AgentProcess) => Promise<string | null>;
  /** After the device is through with it, whatever came of it. */
  readonly undo?: (device: Device) => Promise<void> | void;
}

/** The same fault in every state of an update. */
export const inEveryState = (staged: Staged, states: readonly string[] = STATES): Fault[] =>
  states.map((state) => faultIn(state, staged));

function faultIn(state: string, staged: Staged): Fault {
  const { kind, at, wanted = '1.1.0', known = ['1.0.0', '1.1.0'], terms = {} } = staged;
  return {
    kind,
    state,
    at,
    async run(device) {
      device.reset();
      await staged.before?.(device);
      const options = staged.options?.(device) ?? {};
      try {
        if (state !== 'idle') device.offer('1.1.0', terms);
        const agent = device.start(options);
        const before = device.watch();
        const isThere = async (): Promise<boolean> => hasReached(agent, state);
        await untilTrue(`the device is ${state}`, isThere, { limitMs: REACH_MS });
        const hit = agent.phase();
        const proof = await staged.harm(device, agent);
        const flaws = await before.end(true);
        if (state === 'idle' && wanted === '1.1.0') device.offer('1.1.0', terms);
        const goesOn = agent.isEnded ? { agent: device.start(options) } : { agent };
        const after = await survives(device, { wanted, known, ...goesOn });
        const all = [...flaws, ...after.flaws].filter((flaw) => !staged.excused?.test(flaw));
        return { ...after, state, at, proof: proof && `${proof}; it was ${hit}`, flaws: all };
      } finally {
        await staged.undo?.(device);
      }
    },
  };
}

function hasReached(agent: AgentProcess, state: string): boolean {
  if (agent.isEnded) throw new Error(`the agent ended: ${agent.errors}`);
  if (state === 'idle') return agent.lines.some(({ msg }) => msg === 'agent ready');
  return agent.lines.some(({ msg, to }) => msg === 'update state' && to === state);
}
