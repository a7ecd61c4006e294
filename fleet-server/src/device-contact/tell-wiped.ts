import { v7 as uuidv7 } from 'uuid';
import type { Bus } from '../adapters/bus-aedes.ts';
import type { Clock, Log } from '../ports/log.ts';
import type { EventStore } from '../ports/stores.ts';

const PAGE = 500;
const COMMAND_LIFE_MS = 600_000;

export interface TellWipedParts {
  readonly events: EventStore;
  readonly bus: Pick<Bus, 'command'>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Asks a connected device to look for its orders as soon as one to erase it was given: until its next look by itself a stolen
 * device has minutes. The order comes with the answer, and counts by its signatures alone. Returns what stops it.
 */
export async function tellWiped({ events, bus, clock, log }: TellWipedParts): Promise<() => Promise<void>> {
  let seen = (await events.list({ limit: 1 })).items[0]?.seq ?? 0;
  let tail: Promise<void> = Promise.resolve();

  async function work(): Promise<void> {
    for (;;) {
      const page = await events.after(seen, PAGE);
      for (const { seq, code, device } of page) {
        seen = seq;
        if (code !== 'WIPE_ORDERED' || device === null) continue;
        await bus.command(device, { v: 1, id: uuidv7(), op: 'poll', expires: clock() + COMMAND_LIFE_MS });
      }
      if (page.length < PAGE) return;
    }
  }
  const unsubscribe = events.onAppend(() => {
    tail = tail.then(work).catch((err: unknown) => {
      log.error({ err, component: 'device-contact' }, 'device not told of its order');
    });
  });
  return async () => {
    unsubscribe();
    await tail;
  };
}
