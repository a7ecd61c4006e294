import { whyWaiting } from '../../agent/src/core/permission.ts';
import type { CandidateWork, LoadedWork, Work } from '../../agent/src/core/update-effects.ts';
import { type Job, keyOf } from '../../agent/src/core/update-state.ts';
import { type Truth, truthOn } from './releases.ts';
import type { SimMachine } from './sim-machine.ts';

const LOOK_AGAIN_MS = 20_000;
const NEVER_OPEN = { cron: '0 0 30 2 *', timeZone: 'UTC', graceMs: 0 };

/** What a piece of work comes to on this device, with the truth about the release in hand. */
export function startWork(machine: SimMachine, work: Work): void {
  const { random } = machine.agent.world;
  switch (work.type) {
    case 'check':
      machine.later(random.between(500, 2_000), () => check(machine, work.job));
      return;
    case 'download':
      machine.later(random.between(500, 5_000), () => download(machine, work));
      return;
    case 'verify':
      machine.later(500, () => verify(machine, work));
      return;
    case 'preflight':
      machine.later(random.between(1_000, 3_000), () => preflight(machine, work.job));
      return;
    case 'awaitWindow':
      machine.later(200, () => awaitWindow(machine, work.job));
      return;
    case 'shadow':
      throw new Error('no assignment of this server asks for a shadow');
    case 'activate':
      machine.later(500, () => activate(machine, work));
      return;
    case 'soak':
      soak(machine, work);
      return;
    case 'finishRollBack':
      finishRollBack(machine, work.active.digest);
      return;
    case 'remove':
      machine.later(500, () => {
        const { device, world } = machine.agent;
        world.faults.note('model removed');
        machine.routed = null;
        device.shelf.keepOnly(machine.model, [], () => machine.agent.mayDie('device died between files'));
        machine.dispatch({ type: 'removed', nowMs: machine.agent.nowMs });
      });
      return;
    case 'tidy':
      machine.later(1_000, () => tidy(machine));
      return;
    default:
      work satisfies never;
  }
}

const truth = (machine: SimMachine, { digest }: Pick<Job, 'digest'>): Truth => {
  const { world, device } = machine.agent;
  return truthOn(world.releaseBy(digest), device.id);
};

function fail(machine: SimMachine, job: Job, code: string): void {
  machine.dispatch({
    type: 'failed',
    key: keyOf(job),
    code,
    reason: 'simulated',
    nowMs: machine.agent.nowMs,
  });
}

function check(machine: SimMachine, job: Job): void {
  const { agent } = machine;
  const key = keyOf(job);
  if (waits(machine, 'start', job, () => check(machine, job))) return;
  if (!agent.hasServer) {
    machine.later(LOOK_AGAIN_MS, () => check(machine, job));
    return;
  }
  if (agent.device.isDiskFull) {
    fail(machine, job, 'DISK_SPACE_LOW');
    return;
  }
  if (truth(machine, job) === 'doesNotFit') {
    agent.world.faults.note('release does not fit');
    fail(machine, job, 'NO_VARIANT_FITS');
    return;
  }
  machine.dispatch({ type: 'accepted', key, variant: 'int8-cpu', nowMs: agent.nowMs });
}

/** True while a hold or a closed window forbids the step: production decides, and is asked again from time to time. */
function waits(machine: SimMachine, step: 'start' | 'activate', known: Job, again: () => void): boolean {
  const { agent, state } = machine;
  // Holding and releasing a device change the terms of a job that is under way.
  const job = 'job' in state ? state.job : known;
  const { hold, isClosed } = agent.device;
  const windows = isClosed ? [NEVER_OPEN] : [];
  const waiting = whyWaiting({ step, job, hold, windows, nowMs: agent.nowMs, nextStart: () => null });
  if (!waiting) return false;
  machine.dispatch({ type: 'waits', key: keyOf(job), waiting, nowMs: agent.nowMs });
  machine.later(LOOK_AGAIN_MS, again);
  return true;
}

function download(machine: SimMachine, work: CandidateWork): void {
  const { agent } = machine;
  if (!agent.hasServer) {
    machine.later(LOOK_AGAIN_MS, () => download(machine, work));
    return;
  }
  if (agent.world.isFaulty && agent.world.random.chance(agent.world.trouble.corrupt)) {
    agent.world.faults.note('download corrupt');
    fail(machine, work.job, 'ARTIFACT_CORRUPT');
    return;
  }
  machine.dispatch({ type: 'downloaded', key: keyOf(work.job), nowMs: agent.nowMs });
}

function verify(machine: SimMachine, { job, candidate }: CandidateWork): void {
  const { agent } = machine;
  if (agent.device.isDiskFull) {
    fail(machine, job, 'DISK_SPACE_LOW');
    return;
  }
  agent.device.shelf.install(machine.model, candidate.version, candidate.digest, () =>
    agent.mayDie('device died between files'),
  );
  machine.dispatch({ type: 'verified', key: keyOf(job), nowMs: agent.nowMs });
}

function preflight(machine: SimMachine, job: Job): void {
  const { agent } = machine;
  const found = truth(machine, job);
  if (found === 'killsAgent') {
    agent.killedBy(machine.model);
    return;
  }
  if (found === 'failsPreflight') {
    agent.world.faults.note('release failed preflight');
    fail(machine, job, 'ACCEPTANCE_FAILED');
    return;
  }
  machine.dispatch({ type: 'preflightPassed', key: keyOf(job), nowMs: agent.nowMs });
}

function awaitWindow(machine: SimMachine, job: Job): void {
  const { agent } = machine;
  const key = keyOf(job);
  if (waits(machine, 'activate', job, () => awaitWindow(machine, job))) return;
  machine.dispatch({ type: 'windowOpened', key, nowMs: agent.nowMs });
}

function activate(machine: SimMachine, { job, candidate }: LoadedWork): void {
  const { agent } = machine;
  if (!agent.device.shelf.isLoadable(machine.model, candidate.digest)) {
    fail(machine, job, 'SLOT_CORRUPT');
    return;
  }
  agent.heartbeat();
  machine.switchTo(candidate.digest);
  machine.dispatch({ type: 'activated', key: keyOf(job), baseline: null, nowMs: agent.nowMs });
}

function soak(machine: SimMachine, { job, candidate, sinceMs }: Extract<Work, { type: 'soak' }>): void {
  const { agent } = machine;
  const { random, faults } = agent.world;
  const hasTraffic = agent.device.trafficOf(machine.model) > 0;
  const wholeMs = hasTraffic ? job.soakMs : job.soakDeadlineMs;
  const leftMs = Math.max(0, Math.min(wholeMs, sinceMs + wholeMs - agent.nowMs));
  const found = truth(machine, job);
  if (found === 'failsSoak') {
    machine.later(leftMs * random.next(), () => {
      faults.note('release failed in soak');
      fail(machine, job, 'SOAK_FAILURES');
    });
    return;
  }
  if (found === 'killsAgentInSoak') {
    machine.later(leftMs * random.next(), () => agent.killedBy(machine.model));
    return;
  }
  const finish = (): void => {
    if (machine.routed !== candidate.digest) {
      machine.later(1_000, finish);
      return;
    }
    const answers = hasTraffic ? job.minInferences : 0;
    const evidence = { answers, failures: 0, fallbacks: 0, soakedMs: Math.round(leftMs) };
    const key = keyOf(job);
    machine.dispatch({ type: 'soakPassed', key, isUnexercised: !hasTraffic, evidence, nowMs: agent.nowMs });
  };
  machine.later(leftMs, finish);
}

function finishRollBack(machine: SimMachine, digest: string): void {
  machine.later(500, () => {
    if (machine.routed === digest) machine.dispatch({ type: 'rolledBack', nowMs: machine.agent.nowMs });
    else finishRollBack(machine, digest);
  });
}

/** Throws away what no machine keeps, and lets a release that goes bad after its commit do so. */
function tidy(machine: SimMachine): void {
  const { agent, state } = machine;
  const { shelf } = agent.device;
  for (const model of shelf.models()) {
    const kept = agent
      .states()
      .flatMap((one) =>
        one.model === model ? agent.world.production.keptOf(one).map(({ version }) => version) : [],
      );
    shelf.keepOnly(model, kept, () => agent.mayDie('device died between files'));
  }
  const { committed } = state;
  if (!committed || truth(machine, committed) !== 'regresses') return;
  machine.later(agent.world.random.between(30_000, 900_000), () => {
    agent.world.faults.note('release regressed');
    const about = { code: 'RELEASE_REGRESSED', reason: 'it ended three times', nowMs: agent.nowMs };
    machine.dispatch({ type: 'regressed', digest: committed.digest, ...about });
  });
}
