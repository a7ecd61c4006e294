import { codeOf } from '@ringfleet/shared/errors';
import type { WipeOrder } from '@ringfleet/shared/trust';
import type { Logger } from 'pino';
import type { Clock } from '../ports/clock.ts';
import type { DeviceApi } from '../ports/device-api.ts';
import type { TrustStore } from '../ports/trust-store.ts';
import { withFiles } from './with-files.ts';

export interface WipeIntakeOptions {
  readonly trust: Pick<TrustStore, 'refreshRoot' | 'verifyWipe'>;
  readonly api: Pick<DeviceApi, 'metadata' | 'wipeOrder'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ids of orders that were carried out here. */
  readonly done: () => Promise<readonly string[]>;
  /** A verified order: from here on there is no way back. */
  readonly onAccepted: (order: WipeOrder) => Promise<void>;
  /** Called once per order. */
  readonly onRefused: (code: string, message: string) => void;
}

/** Takes wipe orders that the server passes on, and lets only those through that the publishers signed. */
export class WipeIntake {
  readonly #options: WipeIntakeOptions;
  readonly #seen = new Set<string>();

  constructor(options: WipeIntakeOptions) {
    this.#options = options;
  }

  /** The server says that an order of this name waits. Never rejects; what the network kept away is asked for again. */
  async hinted(name: string, signal: AbortSignal): Promise<void> {
    const { api, log } = this.#options;
    if (this.#seen.has(name)) return;
    let document: string | null;
    try {
      document = await api.wipeOrder(signal);
    } catch (err) {
      log.debug({ err, component: 'wipe' }, 'wipe order cannot be fetched');
      return;
    }
    if (document === null) return;
    // Bounded: a server that invents names does not fill the memory.
    if (this.#seen.size > 100) this.#seen.clear();
    this.#seen.add(name);
    await this.#take(document, signal);
  }

  async #take(document: string, signal: AbortSignal): Promise<void> {
    const { trust, api, clock, log, done, onAccepted, onRefused } = this.#options;
    try {
      // Whose signature counts may have changed; without an answer the trusted root of before decides.
      await withFiles(api, signal, (files) => trust.refreshRoot(files, clock.nowMs())).catch((err: unknown) =>
        log.info({ err, component: 'wipe' }, 'no newer root was taken'),
      );
      const order = await trust.verifyWipe(document, await done(), clock.nowMs());
      log.warn({ component: 'wipe', order: order.order }, 'wipe order accepted');
      await onAccepted(order);
    } catch (err) {
      const code = codeOf(err, 'AGENT_INTERNAL');
      log.error({ component: 'wipe', code, err }, 'wipe order refused');
      onRefused(code, err instanceof Error ? err.message : String(err));
    }
  }
}
