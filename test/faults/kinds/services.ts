import type { Lab } from '../lab/bench.ts';
import { UPDATE } from '../lab/journeys.ts';
import { Service } from '../lab/service.ts';
import type { CaseResult, FaultFamily } from './kind.ts';

const WATCHDOG_MS = 25_000;
const RESTART_MS = 15_000;
const OOM_MS = 30_000;

interface Harm {
  readonly kind: string;
  readonly at: string;
  /** Does it in the service; answers with the proof. The release, if the fault is none of its own, arrives nevertheless. */
  readonly harm: (service: Service) => Promise<string>;
}

const HARMS: readonly Harm[] = [
  {
    kind: 'watchdog',
    at: 'SIGSTOP of the service',
    async harm(service) {
      const pid = await service.mainPid();
      await service.fleet.box.sh(`kill -STOP ${pid}`);
      const tookMs = await service.untilRestarted(pid, WATCHDOG_MS);
      await service.fleet.box.sh(
        "journalctl -b -o cat | grep -q 'ringfleet-agent.service: Watchdog timeout'",
      );
      return `systemd: Watchdog timeout, another process after ${tookMs} ms`;
    },
  },
  {
    kind: 'service killed',
    at: 'SIGKILL of the service',
    async harm(service) {
      const pid = await service.mainPid();
      await service.fleet.box.sh(`kill -KILL ${pid}`);
      return `SIGKILL, another process after ${await service.untilRestarted(pid, RESTART_MS)} ms`;
    },
  },
  {
    kind: 'agent out of memory',
    at: 'MemoryMax of the service',
    async harm(service) {
      await service.limitMemory('20M');
      const pid = await service.mainPid();
      await service.fleet.box.sh(`kill -KILL ${pid}`);
      const isKilled =
        "journalctl -b -o cat -u ringfleet-agent | grep -c 'Main process exited, code=killed, status=9/KILL' | grep -qv '^[01]$'";
      await service.fleet.box.until(isKilled, OOM_MS);
      await service.limitMemory(null);
      await service.fleet.box.sh('systemctl restart --no-block ringfleet-agent');
      return 'the kernel killed it at MemoryMax=20M, again and again';
    },
  },
  {
    kind: 'machine off',
    at: 'process 1 of the box',
    async harm({ fleet }) {
      await fleet.box.kill();
      await fleet.box.boot();
      return 'SIGKILL of process 1, and booted again';
    },
  },
];

const RUNNER = 'runner out of memory';

/** The packaged agent under a real systemd, one case after the other. `npm test` has test/lab/agent-service.test.ts instead. */
export const services: FaultFamily = {
  kinds: [...HARMS.map(({ kind }) => kind), RUNNER],
  async faults(lab: Lab) {
    let queue: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const turn = queue.then(work);
      queue = turn.catch(() => undefined);
      return turn;
    };
    const inStates = HARMS.flatMap((harm) =>
      UPDATE.states.map((state) => ({
        kind: harm.kind,
        state,
        at: harm.at,
        run: () => inTurn(() => hurt(lab, harm, state)),
      })),
    );
    const starved = {
      kind: RUNNER,
      state: 'preflight',
      at: 'MemoryMax of its class',
      run: () => inTurn(() => starve(lab)),
    };
    return [...inStates, starved];
  },
};

type Outcome = Omit<CaseResult, 'kind' | 'tookMs'>;

async function hurt(lab: Lab, { at, harm }: Harm, state: string): Promise<Outcome> {
  const service = await lab.service(() => Service.start());
  const version = await service.updateTo(state);
  const proof = await harm(service);
  const servingMs = await service.untilServing();
  return { state, at, proof, version, servingMs, flaws: await service.flawsAtRest(version) };
}

/** The release needs more than its runner may have: it is refused, and what ran before goes on. */
async function starve(lab: Lab): Promise<Outcome> {
  const service = await lab.service(() => Service.start());
  const { box } = service.fleet;
  const before = await service.updateTo('idle');
  const folder = '/run/systemd/system/ringfleet-runner-512m@.service.d';
  await box.sh(`mkdir -p ${folder} && printf '[Service]\\nMemoryMax=12M\\n' > ${folder}/starved.conf`);
  await box.sh('systemctl daemon-reload');
  try {
    // What it comes to after its refusal is said of the release before.
    const version = await service.updateTo('preflight', { memoryBytes: 400_000_000 });
    const isRefused = `ringfleet-agent status --json | tr -d ' \\n' | grep -q '"setback":{[^}]*"version":"${version}"'`;
    await box.until(isRefused, OOM_MS);
    const servingMs = await service.untilServing();
    return {
      state: 'preflight',
      at: 'MemoryMax of its class',
      proof: `the runner of ${version} did not fit into MemoryMax=12M`,
      version: before,
      servingMs,
      flaws: await service.flawsAtRest(before),
    };
  } finally {
    await box.sh(`rm -r ${folder} && systemctl daemon-reload`);
  }
}
