import type { Log } from '../ports/log.ts';
import type { Stores } from '../ports/stores.ts';

const PAGE = 500;

/**
 * Takes a device out of the fleet when it says that it carries out a wipe order, if there is such an order: its key is being
 * erased. Returns what stops it.
 */
export async function endWiped(
  { events, identities }: Pick<Stores, 'events' | 'identities'>,
  log: Log,
): Promise<() => Promise<void>> {
  let seen = (await events.list({ limit: 1 })).items[0]?.seq ?? 0;
  let tail: Promise<void> = Promise.resolve();

  async function work(): Promise<void> {
    for (;;) {
      const page = await events.after(seen, PAGE);
      for (const { seq, code, device, atMs } of page) {
        seen = seq;
        if (code !== 'WIPE_ACCEPTED' || device === null) continue;
        const order = await identities.wipeOrder(device, atMs);
        if (!order) continue;
        const how = { status: 'decommissioned' as const, reason: `wiped by order ${order.order}` };
        await identities.end(device, how, { by: { kind: 'device', name: device, role: 'viewer' }, atMs });
      }
      if (page.length < PAGE) return;
    }
  }
  const unsubscribe = events.onAppend(() => {
    tail = tail.then(work).catch((err: unknown) => {
      log.error({ err, component: 'device-contact' }, 'wiped device not taken out of the fleet');
    });
  });
  return async () => {
    unsubscribe();
    await tail;
  };
}
