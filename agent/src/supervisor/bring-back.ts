import type { Logger } from 'pino';
import type { DeviceApi } from '../ports/device-api.ts';
import type { TrustStore } from '../ports/trust-store.ts';

/** A server that cannot be helped is not sent the same again and again. */
const AGAIN_MS = 10 * 60_000;

export interface BringBackParts {
  readonly trust: Pick<TrustStore, 'kept'>;
  readonly api: Pick<DeviceApi, 'bringBack'>;
  readonly log: Logger;
}

/**
 * A server that shows older metadata than this device trusts was perhaps put back from a backup: it gets what is trusted
 * here, signed as it is, and judges for itself. The device goes on refusing what is older.
 */
export class BringBack {
  readonly #parts: BringBackParts;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(parts: BringBackParts) {
    this.#parts = parts;
  }

  /** Whether anything was news to the server, so that it is worth asking again. */
  async run(signal: AbortSignal): Promise<boolean> {
    const { trust, api, log } = this.#parts;
    if (performance.now() - this.#lastMs < AGAIN_MS) return false;
    this.#lastMs = performance.now();
    let news = 0;
    for (const { file, text } of await trust.kept()) {
      if (signal.aborted) return false;
      // An older server has no such route, and a document may be one that it no longer believes: the others may help.
      const isNews = await api.bringBack(file, text, signal).catch((err: unknown) => {
        log.debug({ err, component: 'assignment', file }, 'metadata was not taken back');
        return false;
      });
      if (isNews) news += 1;
    }
    if (news > 0)
      log.warn({ component: 'assignment', news }, 'the server had lost metadata and was given ours');
    return news > 0;
  }
}
