import { activeRollouts } from '../../fleet-server/src/rollout-engine/fleet-state.ts';
import type { Fault } from './faults.ts';
import { Operators } from './operators.ts';
import type { Production } from './production.ts';
import { checkRest, everyStandstillHasOneReason, viewsOf } from './rest-invariants.ts';
import { again, endTroubles, startTroubles } from './troubles.ts';
import { Violation } from './violation.ts';
import { World } from './world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A fleet whose troubles keep it from updating anything is let go on for so long. */
const LONGEST_MS = 12 * HOUR_MS;
/** Four deadlines of 50 min one after the other, and what comes before and after. */
const REST_WITHIN_MS = 6 * HOUR_MS;
const LOOK_MS = 5 * MINUTE_MS;
const REST_LOOK_MS = 35 * MINUTE_MS;

export interface SeedOptions {
  readonly seed: number;
  readonly production: Production;
  /** Device updates after which the trouble ends and everything has to come to rest. */
  readonly updates: number;
  readonly onLine?: (line: string) => void;
}

export interface SeedOutcome {
  readonly seed: number;
  readonly deviceUpdates: number;
  readonly virtualMs: number;
  readonly faults: Readonly<Partial<Record<Fault, number>>>;
  readonly violation: { readonly invariant: string; readonly message: string; readonly atMs: number } | null;
}

/** One whole history: trouble until so many updates were tried, then peace, rest, and a last look at everything. */
export async function playSeed({ seed, production, updates, onLine }: SeedOptions): Promise<SeedOutcome> {
  const world = new World({ seed, production, onLine: onLine ?? null });
  const startMs = world.timeline.nowMs;
  let violation: SeedOutcome['violation'] = null;
  try {
    const operators = new Operators(world);
    await trouble(world, operators, updates);
    await rest(world, operators);
  } catch (err) {
    const atMs = world.timeline.nowMs - startMs;
    if (!(err instanceof Violation)) throw new Error(`seed ${seed} after ${atMs} ms`, { cause: err });
    world.say(() => `VIOLATION of ${err.invariant}: ${err.message}`);
    violation = { invariant: err.invariant, message: err.message, atMs };
  } finally {
    world.close();
  }
  const { deviceUpdates, faults } = world;
  const virtualMs = world.timeline.nowMs - startMs;
  return { seed, deviceUpdates, virtualMs, faults: Object.fromEntries(faults.counts), violation };
}

async function trouble(world: World, operators: Operators, updates: number): Promise<void> {
  const { timeline } = world;
  world.onServerStart = () => operators.again();
  await operators.setUp();
  for (const device of world.devices.values()) device.start();
  startTroubles(world);
  const asPeople = (work: () => Promise<void>) => async () => void (await world.onServer(work));
  again(
    world,
    () => 3 * MINUTE_MS,
    asPeople(() => operators.goOn()),
  );
  again(
    world,
    () => world.trouble.orderEveryMs,
    asPeople(() => operators.meddle()),
  );
  again(
    world,
    () => HOUR_MS,
    asPeople(async () => everyStandstillHasOneReason(await viewsOf(world))),
  );
  tickOnATimer(world);
  await timeline.run(timeline.nowMs + LONGEST_MS, () => world.deviceUpdates >= updates);
  world.say(() => `${world.deviceUpdates} device updates; the trouble is over`);
  endTroubles(world);
  // What was lost last is overtaken by nothing any more: devices and server have to sort it out alone.
  if (world.server.isUp && world.random.chance(0.3)) world.endServer(true);
  await timeline.run(timeline.nowMs + 10 * MINUTE_MS);
  await world.onServer(() => operators.tidyUp());
}

function tickOnATimer(world: World): void {
  world.timeline.in(LOOK_MS, async () => {
    world.checkServing();
    await world.look();
    tickOnATimer(world);
  });
}

/** Waits until nothing moves any more, twice in a row: a heartbeat in between must not change that. */
async function rest(world: World, operators: Operators): Promise<void> {
  const { timeline } = world;
  const untilMs = timeline.nowMs + REST_WITHIN_MS;
  let quietLooks = 0;
  let moving: string | null = null;
  while (timeline.nowMs < untilMs) {
    await timeline.run(timeline.nowMs + REST_LOOK_MS);
    world.checkServing();
    await world.onServer(() => operators.lookAfterFloors());
    moving = await whatMoves(world);
    quietLooks = moving === null ? quietLooks + 1 : 0;
    if (quietLooks === 2) return checkRest(world);
  }
  throw new Violation('comesToRest', `after ${REST_WITHIN_MS / HOUR_MS} quiet hours ${moving}`);
}

/** The first thing that has not come to rest, in words. */
async function whatMoves(world: World): Promise<string | null> {
  const running = (await activeRollouts(world.server.raw)).find(({ state }) => state === 'running');
  if (running) {
    const open = running.rings.find(({ state }) => state === 'open');
    return `the rollout of ${running.model} ${running.version} still runs: ${open?.plan.ring} ${open?.gate?.code} ${open?.gate?.sentence}`;
  }
  for (const { id, agent, isRevoked } of world.devices.values()) {
    if (isRevoked) continue;
    if (!agent) return `${id} is not up`;
    if (!agent.uplink.session) return `${id} is not connected`;
    const busy = agent.machines.find((one) => !one.isAtRest);
    if (busy) return `${id} is ${busy.state.phase} with ${busy.model}`;
    if (!agent.uplink.isEmpty) return `${id} has reports that nobody takes`;
    const made = await world.server.poll(id);
    if (made.generation !== agent.generation)
      return `${id} has accepted generation ${agent.generation}, the server offers ${made.generation}`;
  }
  return null;
}
