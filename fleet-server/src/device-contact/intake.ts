import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorCode } from '@ringfleet/shared/errors';
import { type Allowance, PACE, type Pace, payFor, unitsOf } from '../core/telemetry/intake-pace.ts';
import type { IntakeNote } from '../ports/intake.ts';
import type { Clock, Log } from '../ports/log.ts';
import type { NewEvent, Stores } from '../ports/stores.ts';

/** What was wrong within this time is counted in one write. */
const WRITE_MS = 2_000;
/** A device that goes on is named again after this time. */
const NAMED_MS = 3_600_000;
/** Devices whose pace is known; who was not heard for longest starts anew with a full allowance. */
const MOST_DEVICES = 50_000;

export interface Intake {
  /** Waits until this device may send so much more; at once when the signal says so. Never refuses. */
  pace(device: string, reports: number, bytes: number, signal: AbortSignal): Promise<void>;
  /** A message that names no report, so that nothing can be kept aside or answered. */
  unreadable(device: string, code: ErrorCode, reason: string): void;
  /** Writes what has been counted. */
  stop(): Promise<void>;
}

export interface IntakeParts {
  readonly stores: Pick<Stores, 'reports' | 'events'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly pace?: Pace;
  readonly writeMs?: number;
}

/** What stands between the connections and the store: no device takes more than its share, and what cannot be read is counted. */
export function intake({ stores, clock, log, pace = PACE, writeMs = WRITE_MS }: IntakeParts): Intake {
  const allowances = new Map<string, Allowance>();
  const namedAtMs = new Map<string, number>();
  let notes = new Map<string, IntakeNote>();

  function note(device: string, code: ErrorCode, count: number, reason: string): void {
    const key = `${device} ${code}`;
    notes.set(key, { device, code, count: count + (notes.get(key)?.count ?? 0), atMs: clock(), reason });
  }
  async function write(): Promise<void> {
    if (notes.size === 0) return;
    const now = [...notes.values()];
    notes = new Map();
    await stores.reports.note(now);
  }
  const timer = setInterval(() => {
    write().catch((err: unknown) => log.error({ err, component: 'intake' }, 'counts not written'));
  }, writeMs);
  timer.unref();

  function name(device: string): void {
    const before = namedAtMs.get(device);
    if (before !== undefined && clock() - before < NAMED_MS) return;
    remember(namedAtMs, device, clock());
    log.warn({ component: 'intake', device, code: 'DEVICE_THROTTLED' }, 'device slowed down');
    stores.events.append([throttled(device, pace)], clock()).catch((err: unknown) => {
      log.error({ err, component: 'intake', device }, 'event not written');
    });
  }

  return {
    async pace(device, reports, bytes, signal) {
      const units = reports - 1 + unitsOf(bytes);
      const { allowance, waitMs } = payFor(allowances.get(device), units, pace, performance.now());
      remember(allowances, device, allowance);
      if (waitMs === 0) return;
      note(device, 'DEVICE_THROTTLED', reports, `taken ${waitMs} ms later than they came`);
      name(device);
      // Given up only to be taken at once.
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    },
    unreadable(device, code, reason) {
      note(device, code, 1, reason);
    },
    async stop() {
      clearInterval(timer);
      await write();
    },
  };
}

/** Bounded: the one that was touched longest ago goes. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MOST_DEVICES && oldest !== undefined) map.delete(oldest);
}

const throttled = (device: string, { perSecond, burst }: Pace): NewEvent => ({
  kind: 'device',
  code: 'DEVICE_THROTTLED',
  sentence: `${device} sends more than ${burst} reports at once or ${perSecond} a second and is slowed down: it comes back with very many, or something on it repeats itself. Nothing is lost.`,
  device,
  model: null,
  rollout: null,
  data: { perSecond, burst },
});
