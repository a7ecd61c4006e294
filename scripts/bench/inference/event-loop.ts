import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MODEL } from '../../demo/sources.ts';
import { BUSY_VERSION, busySource } from '../busy-model/source.ts';
import type { BenchContext } from '../context.ts';
import { FleetOfOne } from '../fleet-of-one.ts';
import type { LoadResult } from '../load/closed-loop.ts';
import { percentile } from '../percentiles.ts';
import { childrenOf, figuresOf } from '../proc.ts';
import { atMost, info, type Result } from '../results.ts';
import { imagesOf } from '../served-model.ts';
import { WorkerProcess } from '../worker-process.ts';

/** The most that the release takes in one request. */
const ROWS = 16;
const CONNECTIONS = 16;
const LOAD_MS = 10_000;
const HEARTBEAT_MS = 500;
const PROBE = fileURLToPath(new URL('../loop-probe.ts', import.meta.url));

/** The service's event loop while its runner is busy, and while the disk below its state answers nothing. */
export async function eventLoop(context: BenchContext): Promise<readonly Result[]> {
  const disk = stateDisk(context);
  const seenFile = join(context.dir, 'loop.json');
  context.say('event loop: starting a server and one agent');
  const fleet = await FleetOfOne.start(context, [BUSY_VERSION], {
    sourceOf: (_, dir) => busySource(dir),
    ...(disk ? { stateDir: join(disk, 'agent') } : {}),
    // The journal has to write while its disk is frozen, or there would be nothing to see.
    heartbeatMs: HEARTBEAT_MS,
    env: { NODE_OPTIONS: `--v8-pool-size=1 --import=${PROBE}`, RINGFLEET_BENCH_LOOP: seenFile },
  });
  await fleet.assign(BUSY_VERSION);
  const load = new WorkerProcess('load-worker.ts');
  context.atEnd(() => load.stop());
  const request = imagesOf(ROWS).binary(MODEL);
  const address = { path: fleet.socket };
  const under = async (): Promise<{ seen: Seen; answers: LoadResult; runnerPercent: number }> => {
    const runners = childrenOf(fleet.agent.pid);
    const cpuMs = (): number => runners.reduce((sum, pid) => sum + figuresOf(pid).cpuMs, 0);
    await seenSince(fleet.agent.pid, seenFile);
    const before = cpuMs();
    const answers = await load.ask<LoadResult>({
      kind: 'closed',
      address,
      request,
      connections: CONNECTIONS,
      durationMs: LOAD_MS,
    });
    const runnerPercent = (100 * (cpuMs() - before)) / answers.elapsedMs;
    return { seen: await seenSince(fleet.agent.pid, seenFile), answers, runnerPercent };
  };
  await load.ask({ kind: 'closed', address, request, connections: CONNECTIONS, durationMs: 2_000 });
  context.say(`event loop: ${LOAD_MS / 1000} s under load`);
  const loaded = await under();
  const results = [
    info('event loop: runner under load, processor', loaded.runnerPercent, '% of a core'),
    ...judged('event loop under load', loaded.seen),
    info('  answers meanwhile, p99', percentile(loaded.answers.latenciesUs, 0.99), 'us'),
  ];
  if (!disk) return results;
  context.say(
    `event loop: ${LOAD_MS / 1000} s more with the state disk frozen (fsfreeze on a loop-mounted ext4)`,
  );
  freezeFor(disk, LOAD_MS);
  const frozen = await under();
  if (frozen.answers.failed > 0) throw new Error(`with a frozen disk: ${frozen.answers.failure}`);
  return [
    ...results,
    ...judged('event loop with the state disk frozen', frozen.seen),
    info('  answers meanwhile, p99', percentile(frozen.answers.latenciesUs, 0.99), 'us'),
  ];
}

interface Seen {
  readonly count: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

const judged = (what: string, { p999Ms, maxMs }: Seen): Result[] => [
  atMost(`${what}: stalls, p99.9`, p999Ms, 5, 'ms'),
  atMost(`${what}: stalls, longest`, maxMs, 50, 'ms'),
];

/** What the probe in the agent saw since it was asked last. */
async function seenSince(pid: number, file: string): Promise<Seen> {
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (let waitedMs = 0; !existsSync(file); waitedMs += 20) {
    if (waitedMs > 10_000) throw new Error('the probe in the agent does not answer');
    await sleep(20);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Seen;
}

/** An ext4 of its own for the agent's state, which can be frozen; undefined, with the reason said, where that cannot be. */
function stateDisk({ dir, say, atEnd }: BenchContext): string | undefined {
  const image = join(dir, 'state.ext4');
  const mount = join(dir, 'disk');
  mkdirSync(mount);
  for (const [command = '', ...args] of [
    ['truncate', '-s', '512M', image],
    ['mkfs.ext4', '-q', '-F', image],
    ['mount', '-o', 'loop', image, mount],
  ]) {
    const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
    if (status === 0) continue;
    say(
      `the frozen disk is left out: ${command}: ${error?.message ?? stderr.trim()} (it wants root and loop devices)`,
    );
    return undefined;
  }
  atEnd(() => void spawnSync('umount', ['--lazy', mount]));
  return mount;
}

/** A process of its own thaws it, whatever becomes of this one. */
function freezeFor(mount: string, ms: number): void {
  const script = 'fsfreeze --freeze "$1" && { sleep "$2"; fsfreeze --unfreeze "$1"; }';
  spawn('sh', ['-c', script, 'sh', mount, String(ms / 1000)], { detached: true, stdio: 'ignore' }).unref();
}
