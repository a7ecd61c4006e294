import type { Log } from '../ports/log.ts';
import type { EventStore } from '../ports/stores.ts';
import type { DeviceConnections } from './device-connections.ts';

/** Events after which a live connection may have lost its right. */
const ENDINGS: ReadonlySet<string> = new Set([
  'DEVICE_REVOKED',
  'DEVICE_DECOMMISSIONED',
  'CERTIFICATES_REVOKED',
  'CERTIFICATE_RENEWED',
  'DEVICE_REPLACED',
]);
const PAGE = 500;

/** Cuts live connections right after the commit that ended their certificate. Returns what stops it. */
export async function cutRevoked(
  events: EventStore,
  connections: DeviceConnections,
  log: Log,
): Promise<() => Promise<void>> {
  let seen = (await events.list({ limit: 1 })).items[0]?.seq ?? 0;
  let tail: Promise<void> = Promise.resolve();

  async function work(): Promise<void> {
    for (;;) {
      const page = await events.after(seen, PAGE);
      seen = page.at(-1)?.seq ?? seen;
      for (const { code, device } of page) {
        if (device !== null && ENDINGS.has(code)) await connections.recheck(device);
      }
      if (page.length < PAGE) return;
    }
  }
  const unsubscribe = events.onAppend(() => {
    tail = tail.then(work).catch((err: unknown) => {
      log.error({ err, component: 'device-contact' }, 'connections not rechecked');
    });
  });
  return async () => {
    unsubscribe();
    await tail;
  };
}
