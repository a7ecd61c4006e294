import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Device, Lab } from '../lab/bench.ts';
import { ends, survives } from '../lab/invariants.ts';
import { injecting, type Operation, operationsOf, proofOf, recording } from '../lab/strace.ts';
import type { Fault, FaultFamily } from './kind.ts';

const KNOWN = ['1.0.0', '1.1.0'];
const WANTED = '1.1.0';
const FIRING_MS = 60_000;

/** What happens at an operation, and at which ones it can. */
const HARMS: readonly { readonly kind: string; readonly harm: string; readonly syscalls: RegExp }[] = [
  { kind: 'kill', harm: 'signal=KILL', syscalls: /./ },
  { kind: 'ENOSPC', harm: 'error=ENOSPC', syscalls: /^(p?writev?(64)?|mkdir(at)?|link(at)?|rename.*)$/ },
  { kind: 'EIO', harm: 'error=EIO', syscalls: /^(p?writev?(64)?|fsync|fdatasync|f?truncate|rename.*)$/ },
];

/** kill -9, a full disk and a failing disk at every durable step of an update, one after the other, until none is left. */
export const durableSteps: FaultFamily = {
  kinds: HARMS.map(({ kind }) => kind),
  async faults(lab, device) {
    const steps = await stepsOfUpdate(lab, device);
    return HARMS.flatMap(({ kind, harm, syscalls }) =>
      steps.filter(({ syscall }) => syscalls.test(syscall)).map((step) => faultAt(kind, harm, step)),
    );
  },
};

interface Step extends Operation {
  readonly state: string;
}

/** Every durable step that two runs of the same update both have. */
async function stepsOfUpdate(lab: Lab, device: Device): Promise<Step[]> {
  const runs = [await record(lab, device), await record(lab, device)];
  const others = new Set(runs[1]?.map(nameOf));
  return (runs[0] ?? []).filter((step) => others.has(nameOf(step)));
}

async function record(lab: Lab, device: Device): Promise<Step[]> {
  const trace = join(lab.dir, `${device.name}.trace`);
  device.reset();
  device.offer(WANTED);
  const agent = device.start({ through: recording(trace) });
  const watch = device.watch();
  await device.untilRest(agent, WANTED);
  const flaws = [...(await watch.end()), ...(await ends(agent))];
  if (flaws.length > 0) throw new Error(`an update without any fault: ${flaws.join(', ')}`);
  return operationsOf(trace, device.stateDir).map((one) => ({ ...one, state: agent.phase(one.atMs) }));
}

function faultAt(kind: string, harm: string, step: Step): Fault {
  const at = nameOf(step);
  return {
    kind,
    state: step.state,
    at,
    async run(device) {
      const trace = join(device.lab.dir, `${device.name}.trace`);
      // What an earlier run did is no proof.
      rmSync(trace, { force: true });
      device.reset();
      device.offer(WANTED);
      const agent = device.start({ through: injecting(trace, device.stateDir, step, harm) });
      const before = device.watch();
      // A killed agent ends; what it still had to say is here then.
      const hasFired = (): boolean => kind !== 'kill' && proofOf(trace, harm) !== null;
      await device.untilEndOrRest(agent, WANTED, hasFired, FIRING_MS);
      if (!agent.isEnded && !hasFired()) {
        // Some steps come in an orderly end only.
        await agent.stop();
      }
      const proof = proofOf(trace, harm);
      const state = proof ? agent.phase(proof.atMs) : step.state;
      const flaws = await before.end(true);
      // An agent that could not go on has ended and is started again, as its service manager does.
      const goesOn = agent.isEnded ? {} : { agent };
      if (agent.isEnded) await agent.untilGone(FIRING_MS);
      const after = await survives(device, { wanted: WANTED, known: KNOWN, ...goesOn });
      return { ...after, state, at, proof: proof?.line ?? null, flaws: [...flaws, ...after.flaws] };
    },
  };
}

const nameOf = ({ syscall, path, nth }: Operation): string =>
  `${syscall} ${path.replace(/[0-9a-f]{64}/, (hex) => hex.slice(0, 12))} #${nth}`;
