import { untilTrue } from '../../lab/until.ts';
import type { AgentProcess } from '../lab/agent-process.ts';
import type { Device, StartOptions } from '../lab/device.ts';
import type { FaultFamily } from './kind.ts';
import { inEveryState, type Staged } from './staged.ts';

const MOST_ENDS = 8;
const TRIAL_MS = 30_000;
const STATES = ['preflight', 'ready', 'shadow'];
/** Nothing goes live but at the next new year: the trial does not come to its end meanwhile. */
const CLOSED = {
  settings: { update: { windows: [{ cron: '0 0 1 1 *', timeZone: 'UTC', graceMs: 60_000 }] } },
};
/** A start of the machine that is not the one in which the device was made. */
const SAME = { ...CLOSED, bootId: 'one-start' };

interface Loop extends Pick<Staged, 'kind' | 'wanted' | 'says'> {
  readonly end: (agent: AgentProcess) => void;
  /** How the nth agent is started. */
  readonly start: (n: number) => StartOptions;
  /** Ends that it takes, or more. */
  readonly atLeast: number;
}

const LOOPS: readonly Loop[] = [
  {
    // What a release looks like from outside that kills its agent.
    kind: 'boot loop',
    wanted: '1.0.0',
    says: ['BOOT_LIMIT_EXCEEDED'],
    end: (agent) => agent.signal('SIGKILL'),
    start: () => SAME,
    atLeast: 4,
  },
  {
    kind: 'power cut loop',
    wanted: '1.0.0',
    says: ['TRIAL_INTERRUPTED'],
    end: (agent) => agent.signal('SIGKILL'),
    start: (n) => ({ ...CLOSED, bootId: `start-${n}` }),
    atLeast: 6,
  },
  {
    // Somebody starts the service anew, again and again: nobody is to blame, and nothing is given up.
    kind: 'restart loop',
    says: [],
    end: (agent) => agent.signal('SIGTERM'),
    start: () => CLOSED,
    atLeast: 6,
  },
];

/** The agent ends whenever the release is on trial: until it gives the release up, or for as long as nothing may come of it. */
export const loops: FaultFamily = {
  kinds: LOOPS.map(({ kind }) => kind),
  faults: async () =>
    LOOPS.flatMap(({ end, start, atLeast, ...one }) =>
      inEveryState(
        {
          ...one,
          at: 'whenever it is on trial',
          options: () => start(0),
          restart: { ...start(MOST_ENDS + 1), settings: {} },
          harm: (device, agent) => again(device, agent, { end, start, atLeast }),
        },
        STATES,
      ),
    ),
};

async function again(
  device: Device,
  first: AgentProcess,
  { end, start, atLeast }: Pick<Loop, 'end' | 'start' | 'atLeast'>,
): Promise<string | null> {
  let ends = 0;
  for (let agent = first; ; agent = device.start(start(ends))) {
    let isOver = false;
    const isOnTrial = async (): Promise<boolean> => {
      const [model] = (await device.status())?.models ?? [];
      isOver = model?.phase === 'idle' && ends > 0;
      return isOver || STATES.includes(model?.phase ?? '');
    };
    await untilTrue('the release is on trial', isOnTrial, { limitMs: TRIAL_MS });
    end(agent);
    await agent.ended;
    await agent.untilGone(10_000);
    ends += 1;
    if (isOver || ends === MOST_ENDS) return ends < atLeast ? null : `ended ${ends} times while it tried`;
  }
}
