import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askAgent } from '../../../agent/src/supervisor/control-server.ts';
import type { AgentProcess } from '../lab/agent-process.ts';
import type { Device } from '../lab/device.ts';
import { UPDATE } from '../lab/journeys.ts';
import { cutPower, mountDisk, unmountDisk } from '../lab/state-disk.ts';
import type { Fault, FaultFamily } from './kind.ts';
import { inEveryState, STATES } from './staged.ts';

const HOLD = 'power cut after a hold';
const LOST = 'power cut and lost journal';
const REASON = 'hands off until Monday';
const DISK = { before: mountDisk, undo: unmountDisk, restart: { bootId: 'after-the-cut' } };
/** Something was accepted or proven before, and is kept beside the journal. */
const KNOWING = STATES.filter((state) => state !== 'idle');

/** The power goes at one moment that matters, and with it what had not reached the disk. */
export const powerCuts: FaultFamily = {
  kinds: [LOST, HOLD],
  faults: async () => [
    ...inEveryState(
      { ...DISK, kind: LOST, at: 'control.db', brings: ['STATE_REBUILT'], harm: cutAndLose },
      KNOWING,
    ),
    // What was proven last is what comes back, and nothing else answers meanwhile.
    ...inEveryState(
      {
        ...DISK,
        kind: LOST,
        at: 'control.db',
        brings: ['STATE_REBUILT'],
        known: [UPDATE.wanted],
        harm: cutAndLose,
      },
      ['committed'],
    ),
    ...[true, false].map(afterHold),
  ],
};

async function cutAndLose(device: Device, agent: AgentProcess): Promise<string> {
  agent.signal('SIGSTOP');
  const proof = await cutPower(device, agent);
  writeFileSync(join(device.stateDir, 'control.db'), 'rubbish '.repeat(1000));
  rmSync(join(device.stateDir, 'control.db-wal'), { force: true });
  return `${proof}; control.db is rubbish`;
}

/** A person is told that the device holds, or goes on; the power goes at once. */
function afterHold(isHeld: boolean): Fault {
  const [fault] = inEveryState(
    {
      ...DISK,
      kind: HOLD,
      at: isHeld ? 'set' : 'released',
      wanted: '1.0.0',
      says: [],
      async harm(device, agent) {
        const ask = (verb: string): Promise<unknown> =>
          askAgent(join(device.stateDir, 'run', 'control.sock'), verb, verb === 'hold' ? REASON : '');
        device.offer('1.0.0');
        await ask('hold');
        if (!isHeld) await ask('release');
        agent.signal('SIGSTOP');
        return `${isHeld ? 'hold' : 'release'} was answered; ${await cutPower(device, agent)}`;
      },
      async check(device) {
        const reason = (await device.status())?.hold?.reason ?? null;
        return reason === (isHeld ? REASON : null) ? [] : [`it is held by: ${reason}`];
      },
    },
    ['idle'],
  );
  return fault as Fault;
}
