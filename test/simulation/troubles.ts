import type { SimDevice } from './sim-device.ts';
import type { World } from './world.ts';

const MINUTE_MS = 60_000;

/** Plans everything that goes wrong by itself, until the trouble is over: with mean times between, for each device. */
export function startTroubles(world: World): void {
  const { trouble, random, faults, timeline } = world;
  const anyDevice = (everyMs: number, what: (device: SimDevice) => void): void => {
    // One clock for the fleet: the mean time is a device's.
    const perFleet = (): number => everyMs / Math.max(1, world.devices.size);
    again(world, perFleet, () => what(random.pick([...world.devices.values()])));
  };
  const forAWhile = (fromMs: number, toMs: number, over: () => void): void =>
    timeline.in(random.between(fromMs, toMs), over);

  anyDevice(trouble.offlineEveryMs, (device) => {
    if (!device.isOnline) return;
    faults.note('device offline');
    device.isOnline = false;
    device.agent?.disconnected();
    forAWhile(10_000, random.pick([2, 30, 300]) * MINUTE_MS, () => {
      device.isOnline = true;
    });
  });
  anyDevice(trouble.diskFullEveryMs, (device) => {
    faults.note('disk full');
    device.isDiskFull = true;
    forAWhile(5_000, 10 * MINUTE_MS, () => {
      device.isDiskFull = false;
    });
  });
  anyDevice(trouble.windowEveryMs, (device) => {
    faults.note('window closed');
    device.isClosed = true;
    forAWhile(MINUTE_MS, 30 * MINUTE_MS, () => {
      device.isClosed = false;
    });
  });
  anyDevice(4 * trouble.windowEveryMs, (device) => {
    faults.note('held at the device');
    device.hold = { reason: 'an audit', sinceMs: timeline.nowMs };
    forAWhile(MINUTE_MS, 60 * MINUTE_MS, () => {
      device.hold = null;
    });
  });
  anyDevice(trouble.clockEveryMs, (device) => {
    faults.note('clock jumped');
    const hours = random.pick([-500_000, -24, -1, 1, 24, 10_000]);
    device.clockOffMs = Math.round(hours * 60 * MINUTE_MS * random.next());
  });
  anyDevice(trouble.rotEveryMs, (device) => {
    const slots = device.shelf.models().flatMap((model) => device.shelf.slots(model));
    if (slots.length === 0) return;
    faults.note('slot rotten');
    random.pick(slots).isRotten = true;
  });
  again(
    world,
    () => trouble.serverDeathEveryMs,
    () => {
      world.server.fuse.callsLeft = random.between(0, 40);
    },
  );
  again(
    world,
    () => 30 * MINUTE_MS,
    () => world.backup(),
  );
}

/** Everything works from here on: what is under way may still fail by itself. */
export function endTroubles(world: World): void {
  world.isFaulty = false;
  world.server.fuse.callsLeft = null;
  for (const device of world.devices.values()) {
    device.isOnline = true;
    device.isDiskFull = false;
    device.isClosed = false;
    device.hold = null;
    device.clockOffMs = 0;
  }
}

/** Again and again at random times with this mean, while there is trouble; never with a mean of 0. */
export function again(world: World, meanMs: () => number, what: () => void | Promise<void>): void {
  const { random, timeline } = world;
  const mean = meanMs();
  if (mean === 0) return;
  timeline.in(-Math.log(1 - random.next()) * mean, async () => {
    if (!world.isFaulty) return;
    await what();
    again(world, meanMs, what);
  });
}
