import type { Clock, Log } from '../ports/log.ts';
import type { DeviceStore } from '../ports/stores.ts';

/** Devices without MQTT ask every 30 s; whoever missed three of those is away. */
const AWAY_MS = 100_000;
const LOOK_MS = 10_000;
/** Every device asks over HTTP before its MQTT connection stands. */
const SETTLING_MS = 5_000;

export interface HttpPresenceParts {
  readonly devices: Pick<DeviceStore, 'setConnected'>;
  /** Devices that are connected over MQTT: what they ask over HTTP beside it says nothing. */
  readonly overMqtt: () => readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Devices that speak HTTP only, because their site lets no MQTT through, are in contact as long as they go on asking. */
export class HttpPresence {
  readonly #parts: HttpPresenceParts;
  readonly #seen = new Map<string, { readonly firstMs: number; lastMs: number; isSaid: boolean }>();
  readonly #timer: NodeJS.Timeout;

  constructor(parts: HttpPresenceParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => {
      this.look().catch((err: unknown) =>
        parts.log.error({ err, component: 'device-contact' }, 'presence not saved'),
      );
    }, LOOK_MS);
    this.#timer.unref();
  }

  /** It has just asked for something. */
  async saw(device: string): Promise<void> {
    const { devices, overMqtt, clock } = this.#parts;
    const nowMs = clock();
    const known = this.#seen.get(device);
    if (!known) {
      this.#seen.set(device, { firstMs: nowMs, lastMs: nowMs, isSaid: false });
      return;
    }
    known.lastMs = nowMs;
    if (known.isSaid || nowMs - known.firstMs < SETTLING_MS) return;
    if (overMqtt().includes(device)) {
      this.#seen.delete(device);
      return;
    }
    known.isSaid = true;
    await devices.setConnected(device, true, nowMs, 'http');
  }

  /** Forgets those who are away, or have found a way for MQTT. */
  async look(): Promise<void> {
    const { devices, overMqtt, clock } = this.#parts;
    const connected = new Set(overMqtt());
    for (const [device, { lastMs, isSaid }] of [...this.#seen]) {
      const isOver = connected.has(device);
      if (!isOver && Math.abs(clock() - lastMs) <= AWAY_MS) continue;
      this.#seen.delete(device);
      if (!isOver && isSaid) await devices.setConnected(device, false, clock());
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
