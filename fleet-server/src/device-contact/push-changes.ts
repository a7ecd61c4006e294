import type { FleetEvent } from '../core/domain.ts';
import type { Log } from '../ports/log.ts';
import type { EventStore } from '../ports/stores.ts';

/** Events after which some devices may have to run something else. */
const CHANGES: ReadonlySet<string> = new Set([
  'RING_ASSIGNED',
  'RING_UNASSIGNED',
  'RING_CHANGED',
  'RING_REMOVED',
  'DEVICE_LABELED',
  'DEVICE_HELD',
  'DEVICE_RELEASED',
  'DEVICE_REVOKED',
  'DEVICE_DECOMMISSIONED',
  'DEVICE_REPLACED',
  'METADATA_PUBLISHED',
]);
const PAGE = 500;

/**
 * Calls `push` after commits that changed what devices should run, one call at a time: what is committed during a push is
 * covered by one more. Returns what stops it and waits for the push that is running.
 */
export async function pushChanges(
  events: EventStore,
  push: () => Promise<void>,
  log: Log,
): Promise<() => Promise<void>> {
  let seen = (await events.list({ limit: 1 })).items[0]?.seq ?? 0;
  let hasNews = false;
  let running: Promise<void> | null = null;

  async function work(): Promise<void> {
    while (hasNews) {
      hasNews = false;
      if (await hasChanges()) await push();
    }
  }
  async function hasChanges(): Promise<boolean> {
    let found = false;
    for (;;) {
      const page: readonly FleetEvent[] = await events.after(seen, PAGE);
      seen = page.at(-1)?.seq ?? seen;
      found ||= page.some((event) => CHANGES.has(event.code));
      if (page.length < PAGE) return found;
    }
  }
  const unsubscribe = events.onAppend(() => {
    hasNews = true;
    running ??= work()
      .catch((err: unknown) => log.error({ err, component: 'device-contact' }, 'assignments not pushed'))
      .finally(() => {
        running = null;
      });
  });
  return async () => {
    unsubscribe();
    hasNews = false;
    await running;
  };
}
