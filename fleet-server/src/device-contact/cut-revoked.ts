import type { Log } from '../ports/log.ts';
import type { EventStore } from '../ports/stores.ts';
import type { DeviceConnections } from './device-connections.ts';

/** Events after which a live connection may have lost its right. */
const ENDINGS: ReadonlySet<string> = new Set([
  'DEVICE_REVOKED',
  'CERTIFICATES_REVOKED',
  'CERTIFICATE_RENEWED',
  'DEVICE_REPLACED',
]);
/** A device that has just said that it erases itself waits for the answer to that. */
const FAREWELL_MS = 500;
const PAGE = 500;

/** Cuts live connections right after the commit that ended their certificate, or their device's life. Returns what stops it. */
export async function cutRevoked(
  events: EventStore,
  connections: DeviceConnections,
  log: Log,
): Promise<() => Promise<void>> {
  let seen = (await events.list({ limit: 1 })).items[0]?.seq ?? 0;
  let tail: Promise<void> = Promise.resolve();
  const farewells = new Set<NodeJS.Timeout>();

  function notCut(err: unknown): void {
    log.error({ err, component: 'device-contact' }, 'connections not rechecked');
  }
  function cutSoon(device: string): void {
    const timer = setTimeout(() => {
      farewells.delete(timer);
      connections.recheck(device).catch(notCut);
    }, FAREWELL_MS);
    farewells.add(timer);
  }
  async function work(): Promise<void> {
    for (;;) {
      const page = await events.after(seen, PAGE);
      seen = page.at(-1)?.seq ?? seen;
      for (const { code, device } of page) {
        if (device === null) continue;
        if (ENDINGS.has(code)) await connections.recheck(device);
        if (code === 'DEVICE_DECOMMISSIONED') cutSoon(device);
      }
      if (page.length < PAGE) return;
    }
  }
  const unsubscribe = events.onAppend(() => {
    tail = tail.then(work).catch(notCut);
  });
  return async () => {
    unsubscribe();
    await tail;
    for (const timer of farewells) clearTimeout(timer);
  };
}
