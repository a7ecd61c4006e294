import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { untilTrue } from '../../lab/until.ts';
import type { AgentProcess } from '../lab/agent-process.ts';
import type { Lab } from '../lab/bench.ts';
import type { Device } from '../lab/device.ts';
import { arrives, type Expectation, ends, survives } from '../lab/invariants.ts';
import { JOURNEYS, type Journey } from '../lab/journeys.ts';
import { unsaved } from '../lab/saved-state.ts';
import { cutPower, killAtOnce, mountDisk, unmountDisk } from '../lab/state-disk.ts';
import { injecting, type Operation, operationsOf, proofOf, recording } from '../lab/strace.ts';
import type { Fault, FaultFamily } from './kind.ts';

const FIRING_MS = 60_000;

interface Harm {
  readonly kind: string;
  readonly inject: string;
  /** The calls at which it can happen. */
  readonly syscalls: RegExp;
}

/** What has not reached the disk is lost anyway, so a cut after a write leaves what a cut after the call before it leaves. */
const BUT_WRITES = /^(fsync|fdatasync|rename.*|link(at)?|unlink(at)?|rmdir|mkdir(at)?|f?truncate)$/;

const HARMS: readonly Harm[] = [
  { kind: 'kill', inject: 'signal=KILL', syscalls: /./ },
  { kind: 'power cut', inject: 'signal=STOP', syscalls: BUT_WRITES },
  { kind: 'ENOSPC', inject: 'error=ENOSPC', syscalls: /^(p?writev?(64)?|mkdir(at)?|link(at)?|rename.*)$/ },
  { kind: 'EIO', inject: 'error=EIO', syscalls: /^(p?writev?(64)?|fsync|fdatasync|f?truncate|rename.*)$/ },
];

/** kill -9, a power cut, a full disk and a failing disk at every durable step that two runs of a journey both have. */
export const durableSteps: FaultFamily = {
  kinds: HARMS.map(({ kind }) => kind),
  async faults(lab, device) {
    const faults: Fault[] = [];
    for (const journey of JOURNEYS) {
      const runs = [await record(lab, device, journey), await record(lab, device, journey)];
      const others = new Set(runs[1]?.map((step) => nameOf(step, journey)));
      const both = (runs[0] ?? []).filter((step) => others.has(nameOf(step, journey)));
      faults.push(...faultsAt(both.filter(isOwn(journey)), journey));
    }
    return faults;
  },
};

/** The same along one journey, of what one run of it did. Throws when the journey does not end well by itself. */
export async function faultsAlong(lab: Lab, device: Device, journey: Journey): Promise<readonly Fault[]> {
  return faultsAt(await record(lab, device, journey), journey);
}

function faultsAt(steps: readonly Step[], journey: Journey): Fault[] {
  return HARMS.flatMap((harm) =>
    steps.filter(({ syscall }) => harm.syscalls.test(syscall)).map((step) => faultAt(harm, step, journey)),
  );
}

/** Steps in states that no journey before it has. */
const isOwn =
  ({ name, states }: Journey) =>
  ({ state }: Step): boolean =>
    name === 'update' || states.includes(state);

interface Step extends Operation {
  readonly state: string;
}

async function record(lab: Lab, device: Device, journey: Journey): Promise<Step[]> {
  const trace = join(lab.dir, `${device.name}.trace`);
  journey.prepare(device);
  journey.order(device);
  const agent = device.start({ through: recording(trace) });
  const watch = device.watch();
  await untilTrue(`the ${journey.name} goes on`, async () => hasPassed(agent, journey), {
    limitMs: FIRING_MS,
  });
  await device.untilRest(agent, journey.wanted);
  const flaws = [...(await watch.end(journey.wanted === '')), ...(await ends(agent))];
  if (flaws.length > 0) throw new Error(`a ${journey.name} without any fault: ${flaws.join(', ')}`);
  return operationsOf(trace, device.stateDir).map((one) => ({ ...one, state: agent.phase(one.atMs) }));
}

function faultAt(harm: Harm, step: Step, journey: Journey): Fault {
  const at = nameOf(step, journey);
  const isCut = harm.kind === 'power cut';
  return {
    kind: harm.kind,
    state: step.state,
    at,
    async run(device) {
      const trace = join(device.lab.dir, `${device.name}.trace`);
      // What an earlier run did is no proof.
      rmSync(trace, { force: true });
      journey.prepare(device);
      if (isCut) await mountDisk(device);
      try {
        journey.order(device);
        const agent = device.start({ through: injecting(trace, device.stateDir, step, harm.inject) });
        const before = device.watch();
        await untilFired(device, agent, journey, () => proofOf(trace, harm.inject) !== null, isCut);
        const proof = proofOf(trace, harm.inject);
        const state = proof ? agent.phase(proof.atMs) : step.state;
        const cut = isCut && proof ? await cutPower(device, agent) : '';
        // One that cannot go on without the call ends before it is ready, and is started again.
        const isDecided = async (): Promise<boolean> => agent.isEnded || isReady(agent);
        if (!isCut) await untilTrue('it goes on or ends', isDecided, { limitMs: FIRING_MS });
        if (agent.isEnded) await killAtOnce(agent);
        const flaws = await before.end(true);
        if (harm.inject.startsWith('signal'))
          flaws.push(...unsaved(device.stateDir, agent, before.versions, '1.1.0'));
        const after = await survives(device, expectationOf(harm, journey, device, agent));
        const line = proof && (cut ? `${proof.line}; ${cut}` : proof.line);
        return { ...after, state, at, proof: line, flaws: [...flaws, ...after.flaws] };
      } finally {
        if (isCut) await unmountDisk(device);
      }
    },
  };
}

/** Waits until it happened, or the journey is over without it; some steps come in an orderly end only. */
async function untilFired(
  device: Device,
  agent: AgentProcess,
  journey: Journey,
  hasFired: () => boolean,
  isCut: boolean,
): Promise<void> {
  const isOver = async (): Promise<boolean> =>
    agent.isEnded || hasFired() || (hasPassed(agent, journey) && (await device.isAtRest(journey.wanted)));
  await untilTrue('the fault happens', isOver, { limitMs: FIRING_MS });
  if (agent.isEnded || hasFired()) return;
  agent.signal('SIGTERM');
  await untilTrue('it ends', async () => agent.isEnded || (isCut && hasFired()), { limitMs: FIRING_MS });
}

/** Nothing may come of a kill or a cut; a disk that failed may be named. An agent that ended is started again, as its service manager does. */
function expectationOf(harm: Harm, journey: Journey, device: Device, agent: AgentProcess): Expectation {
  if (harm.kind === 'power cut')
    return { ...arrives(journey), agent: device.start({ bootId: 'after-the-cut' }) };
  if (harm.kind === 'kill') return arrives(journey);
  const { wanted, known } = journey;
  return agent.isEnded ? { wanted, known } : { wanted, known, agent };
}

const isReady = (agent: AgentProcess): boolean => agent.lines.some(({ msg }) => msg === 'agent ready');

const hasPassed = (agent: AgentProcess, { states }: Journey): boolean =>
  agent.lines.some(({ msg, to }) => msg === 'update state' && states.includes(String(to)));

function nameOf({ syscall, path, nth }: Operation, { name }: Journey): string {
  const on = path.replace(/[0-9a-f]{64}/, (hex) => hex.slice(0, 12));
  return `${name === 'update' ? '' : `${name}: `}${syscall} ${on} #${nth}`;
}
