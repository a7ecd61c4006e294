import type { FleetEvent } from '../core/domain.ts';
import { computeMembership } from '../core/membership.ts';
import { groupsOf } from '../core/telemetry/groups.ts';
import type { Clock, Log } from '../ports/log.ts';
import type { Stores } from '../ports/stores.ts';
import type { TelemetryGroup } from '../ports/telemetry.ts';

export interface KeeperParts {
  readonly stores: Pick<Stores, 'devices' | 'rings' | 'telemetry' | 'events'>;
  readonly clock: Clock;
  readonly log: Log;
  /** How often it asks whether rings or devices changed. */
  readonly everyMs?: number;
}

const EVERY_MS = 5_000;
/** What a device says of its hardware makes no event: it counts after this at the latest. */
const ALL_EVERY_MS = 3_600_000;
const EVENTS = 500;
const CHANGES_OF_DEVICES: ReadonlySet<string> = new Set([
  'DEVICE_ENROLLED',
  'DEVICE_LABELED',
  'DEVICE_REPLACED',
]);

/**
 * Keeps counts by time in order: tells which group each device counts to, and takes away what is past its time. Stops in the
 * middle of a part without harm.
 */
export function startTelemetryKeeper(parts: KeeperParts): { stop(): Promise<void> } {
  const { stores, clock, log, everyMs = EVERY_MS } = parts;
  const stopping = new AbortController();
  let known: ReadonlyMap<string, TelemetryGroup> = new Map();
  let seenSeq: number | null = null;
  let allAtMs = Number.NEGATIVE_INFINITY;
  let running: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    const isDue = clock() - allAtMs >= ALL_EVERY_MS;
    if ((await hasNews()) || isDue) await setGroups();
    if (!isDue) return;
    allAtMs = clock();
    await stores.telemetry.dropOld(allAtMs, stopping.signal);
  }
  /** Loading a large fleet takes long, so what devices report by the second must not ask for it. */
  async function hasNews(): Promise<boolean> {
    const isFirst = seenSeq === null;
    seenSeq ??= (await stores.events.list({ limit: 1 })).items[0]?.seq ?? 0;
    let isNews = isFirst;
    let events: readonly FleetEvent[];
    do {
      events = await stores.events.after(seenSeq, EVENTS);
      seenSeq = events.at(-1)?.seq ?? seenSeq;
      isNews ||= events.some(({ kind, code }) => kind === 'ring' || CHANGES_OF_DEVICES.has(code));
    } while (events.length === EVENTS);
    return isNews;
  }
  async function setGroups(): Promise<void> {
    const devices = await stores.devices.all();
    const groups = groupsOf(devices, computeMembership(await stores.rings.list(), devices));
    await stores.telemetry.setGroups(
      new Map([...groups].filter(([id, group]) => !isSame(group, known.get(id)))),
    );
    known = groups;
  }
  const turn = (): void => {
    running = running
      .then(() => (stopping.signal.aborted ? undefined : look()))
      .catch((err: unknown) => {
        allAtMs = Number.NEGATIVE_INFINITY;
        log.error({ err, component: 'telemetry' }, 'telemetry could not be put in order');
      });
  };
  turn();
  const timer = setInterval(turn, everyMs).unref();

  return {
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await running;
    },
  };
}

const isSame = (a: TelemetryGroup, b: TelemetryGroup | undefined): boolean =>
  a.ring === b?.ring && a.site === b.site && a.hardware === b.hardware;
