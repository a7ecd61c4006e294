import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Aedes } from 'aedes';
import { Processes } from './demo/processes.ts';
import { READABLE_IMAGES } from './demo/sources.ts';
import { type Client, openClients } from './soak/clients.ts';
import { SoakDevice } from './soak/device.ts';
import { readHeld } from './soak/heap-file.ts';
import { childrenOf, lowsOf, Memory, type Sample, slopeOf } from './soak/memory.ts';
import { readOptions, type SoakOptions, USAGE } from './soak/options.ts';
import { Tally } from './soak/tally.ts';

/** The same model under two numbers: each is good enough for the other's acceptance set. */
const VERSIONS = ['1.1.0', '1.2.0'] as const;
const GAP_MS = 15;
const LOOK_MS = 5_000;
/** Every ten minutes begin with swaps; in the rest of them a runner lives long enough for its memory to be judged. */
const CYCLE_MS = 600_000;
const SWAPPING_MS = 300_000;
const SWAP_MS = 60_000;
/** A release whose runners end three times in ten minutes is given up, as it should be: two kills are not its end. */
const KILL_MS = 305_000;
/** Of a process, which also grows when V8 keeps more room than it needs. */
const FLAT_MIB_PER_MINUTE = 0.25;
/** Of what the agent still holds after a full collection: only a leak grows there, so less is allowed. */
const FLAT_HELD_MIB_PER_MINUTE = 0.1;
/** Buffers are freed some time after the collection that found them: the lowest of a few says what is held. */
const HELD_WINDOW_MS = 120_000;
/** From fewer full collections nothing can be said. */
const MIN_COLLECTIONS = 10;

const options = readOptions(process.argv.slice(2));
if (options) process.exitCode = await run(options);
else {
  process.stderr.write(USAGE);
  process.exitCode = 2;
}

async function run({ minutes, dir: folder }: SoakOptions): Promise<number> {
  const dir = resolve(folder);
  if (existsSync(dir)) rmSync(dir, { recursive: true });
  mkdirSync(join(dir, 'logs'), { recursive: true });
  const broker = await Aedes.createBroker();
  const server = createServer((socket) => broker.handle(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const processes = new Processes(dir);
  const end = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => end.abort());
  const tally = new Tally();
  const memory = new Memory();
  let clients: readonly Client[] = [];
  try {
    const device = new SoakDevice(dir, processes);
    const doors = await device.start(url, VERSIONS);
    await device.assign(VERSIONS[0], 0);
    clients = await openClients(doors, url);
    say(`asking over ${clients.map(({ name }) => name).join(', ')} for ${minutes} minutes`);
    const startedMs = Date.now();
    const over = AbortSignal.any([end.signal, AbortSignal.timeout(minutes * 60_000)]);
    const looking = setInterval(() => memory.look(device.agentPid, Date.now()), LOOK_MS);
    const counts = { swaps: 0, kills: 0 };
    await Promise.all([
      ...clients.map((client, i) => askOn(client, i, tally, over)),
      swapOn(device, counts, tally, over),
      killOn(device, counts, tally, over),
    ]);
    clearInterval(looking);
    const held = readHeld(device.heapFile, startedMs);
    return report(tally, memory, held, { ...counts, minutes: (Date.now() - startedMs) / 60_000 });
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await processes.stopAll();
    await new Promise<void>((done) => broker.close(() => done()));
    server.close();
  }
}

async function askOn(client: Client, offset: number, tally: Tally, over: AbortSignal): Promise<void> {
  const [, ...rows] = readFileSync(READABLE_IMAGES, 'utf8').trim().split('\n');
  const images = rows.map((row) => row.split(',').map(Number).slice(0, -1));
  for (let n = offset * 97; !over.aborted; n += 1) {
    const image = n % images.length;
    const sentMs = Date.now();
    const outcome = await client.ask(images[image] ?? []);
    tally.take(client.name, image, outcome, sentMs, Date.now());
    await sleep(GAP_MS);
  }
}

async function swapOn(
  device: SoakDevice,
  counts: { swaps: number },
  tally: Tally,
  over: AbortSignal,
): Promise<void> {
  const startedMs = Date.now();
  while (await waited(SWAP_MS, over)) {
    if ((Date.now() - startedMs) % CYCLE_MS > SWAPPING_MS) continue;
    const version = VERSIONS[(counts.swaps + 1) % VERSIONS.length] ?? VERSIONS[0];
    try {
      await device.assign(version, 50);
      counts.swaps += 1;
      say(`swapped to ${version}`);
    } catch (err) {
      tally.problem(err instanceof Error ? err.message : String(err), Date.now());
    }
  }
}

async function killOn(
  device: SoakDevice,
  counts: { kills: number },
  tally: Tally,
  over: AbortSignal,
): Promise<void> {
  for (let waitMs = KILL_MS / 10; await waited(waitMs, over); waitMs = KILL_MS) {
    const [pid] = childrenOf(device.agentPid);
    if (pid === undefined) continue;
    tally.killed(Date.now());
    process.kill(pid, 'SIGKILL');
    counts.kills += 1;
    say(`killed runner ${pid}`);
  }
}

function report(
  tally: Tally,
  memory: Memory,
  held: readonly Sample[],
  { swaps, kills, minutes }: { swaps: number; kills: number; minutes: number },
): number {
  const agentSlope = slopeOf(memory.agent);
  const runnerSlope = slopeOf(memory.runner);
  const heldSlope = slopeOf(lowsOf(held, HELD_WINDOW_MS));
  const isFlat =
    [agentSlope, runnerSlope].every((slope) => slope <= FLAT_MIB_PER_MINUTE) &&
    held.length >= MIN_COLLECTIONS &&
    heldSlope <= FLAT_HELD_MIB_PER_MINUTE;
  // Too short a run says nothing about memory.
  const ok = tally.unexplained.length === 0 && (isFlat || minutes < 10);
  const mib = (bytes: number | undefined): number => Math.round((bytes ?? 0) / 1024 ** 2);
  const line = {
    minutes: round(minutes),
    cores: availableParallelism(),
    requests: Object.values(tally.requests).reduce((sum, count) => sum + count, 0),
    requestsBy: tally.requests,
    answersBy: tally.releases,
    failures: tally.failures,
    wrong: tally.wrong,
    unexplained: tally.unexplained.length,
    examples: tally.unexplained.slice(0, 5),
    swaps,
    kills,
    agentRssMiB: [mib(memory.agent[0]?.bytes), mib(memory.agent.at(-1)?.bytes)],
    agentSlopeMiBPerMinute: round(agentSlope),
    agentCollections: held.length,
    agentHeldMiB: [mib(held[0]?.bytes), mib(held.at(-1)?.bytes)],
    agentHeldSlopeMiBPerMinute: round(heldSlope),
    runners: memory.runners,
    runnerRssMiB: [mib(memory.runner[0]?.bytes), mib(memory.runner.at(-1)?.bytes)],
    runnerSlopeMiBPerMinute: round(runnerSlope),
    ok,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  return ok ? 0 : 1;
}

/** False when the soak is over. */
function waited(ms: number, over: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal: over }).catch(() => false);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function say(text: string): void {
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
}
