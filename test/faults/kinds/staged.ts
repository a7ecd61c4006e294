import { untilTrue } from '../../lab/until.ts';
import type { AgentProcess } from '../lab/agent-process.ts';
import type { Device, StartOptions } from '../lab/device.ts';
import { survives } from '../lab/invariants.ts';
import { journeyTo } from '../lab/journeys.ts';
import type { Terms } from '../lab/publisher.ts';
import { unsaved } from '../lab/saved-state.ts';
import type { Fault } from './kind.ts';

const REACH_MS = 30_000;

/**
 * Where a device can be when something happens around it. `idle`: it has not been offered an update yet; `committed`, which
 * is not among them: the update is done.
 */
export const STATES = [
  ...['idle', 'offered', 'downloading', 'verifying', 'preflight', 'ready', 'shadow', 'activating', 'soaking'],
  ...['rollingBack', 'removing'],
] as const;

export interface Staged {
  readonly kind: string;
  readonly at: string;
  /** The release in the end, where it is not the one that the state leads to. */
  readonly wanted?: string;
  /** Releases that may answer, and in the end serve. */
  readonly known?: readonly string[];
  /** Codes that it brings. Set, any other code is a flaw, and so is another end than `wanted`; nothing must be lost by it. */
  readonly says?: readonly string[];
  /** Codes that must be reported. */
  readonly brings?: readonly string[];
  /** What else is looked at on the device at rest; answers with flaws. */
  readonly check?: (device: Device) => Promise<readonly string[]>;
  readonly terms?: Terms;
  /** What may be wrong afterwards, because nothing can be done about it; docs/faults.md says why. */
  readonly excused?: RegExp;
  /** How long it may take to come to rest afterwards. */
  readonly restMs?: number;
  /** How the agent is started before the fault, and after it. */
  readonly options?: (device: Device) => StartOptions;
  /** What is different about the start after it. */
  readonly restart?: StartOptions;
  /** Before the device starts, on its fresh folder. */
  readonly before?: (device: Device) => Promise<void> | void;
  /** Does it; answers with the proof. An agent that has ended afterwards is started again. `order` sends once more what is to be run. */
  readonly harm: (device: Device, agent: AgentProcess, order: () => void) => Promise<string | null>;
  /** After the device is through with it, whatever came of it. */
  readonly undo?: (device: Device) => Promise<void> | void;
}

/** The same fault in every state of an update. */
export const inEveryState = (staged: Staged, states: readonly string[] = STATES): Fault[] =>
  states.map((state) => faultIn(state, staged));

function faultIn(state: string, staged: Staged): Fault {
  const { kind, at, terms = {}, says, brings = [], check, restMs } = staged;
  const journey = journeyTo(state);
  const { wanted = journey.wanted, known = journey.known } = staged;
  return {
    kind,
    state,
    at,
    async run(device) {
      journey.prepare(device);
      await staged.before?.(device);
      const options = staged.options?.(device) ?? {};
      try {
        if (state !== 'idle') journey.order(device, terms);
        const agent = device.start(options);
        const before = device.watch();
        const isThere = async (): Promise<boolean> => hasReached(agent, state);
        await untilTrue(`the device is ${state}`, isThere, { limitMs: REACH_MS });
        const hit = agent.phase();
        const proof = await staged.harm(device, agent, () => journey.order(device, terms));
        const flaws = await before.end(true);
        if (agent.isEnded && says) flaws.push(...unsaved(device.stateDir, agent, before.versions, '1.1.0'));
        if (state === 'idle' && staged.wanted === undefined) journey.order(device, terms);
        const goesOn = agent.isEnded ? { agent: device.start({ ...options, ...staged.restart }) } : { agent };
        const after = await survives(device, {
          wanted,
          known,
          ...goesOn,
          ...(says ? { says: [...says, ...journey.says] } : {}),
          ...(check ? { check } : {}),
          ...(restMs === undefined ? {} : { restMs }),
        });
        const said = device.reports.codes();
        flaws.push(...brings.filter((code) => !said.includes(code)).map((code) => `nobody said ${code}`));
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
  const isIt = state === 'committed' ? 'idle' : state;
  return agent.lines.some(({ msg, to }) => msg === 'update state' && to === isIt);
}
