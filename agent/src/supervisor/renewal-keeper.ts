import { codeOf } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import { type RenewalStep, renewalStep } from '../core/renewal.ts';
import type { Clock } from '../ports/clock.ts';

const LOOK_MS = 3_600_000;

export interface RenewalKeeperParts {
  /** Of the certificate in use. */
  readonly life: () => { readonly notBeforeMs: number; readonly notAfterMs: number };
  readonly renew: (step: Exclude<RenewalStep, 'keep'>) => Promise<void>;
  /** Called at every failure: people must hear of it while there is time. */
  readonly onFailed: (code: string, message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Looks at the certificate at start and every hour, and renews it when it is time; what fails is tried again then. */
export async function keepRenewed(parts: RenewalKeeperParts, signal: AbortSignal): Promise<void> {
  const { clock, log } = parts;
  while (!signal.aborted) {
    try {
      const step = renewalStep(parts.life(), clock.nowMs());
      if (step !== 'keep') {
        await parts.renew(step);
        log.info({ component: 'identity', notAfterMs: parts.life().notAfterMs }, 'certificate renewed');
      }
    } catch (err) {
      log.warn({ err, component: 'identity' }, 'certificate not renewed');
      const message = err instanceof Error ? err.message : String(err);
      parts.onFailed(codeOf(err, 'SERVER_REFUSED'), message);
    }
    // Drawn apart, so that devices that were enrolled together do not ask together.
    await clock.sleep(LOOK_MS * (0.8 + 0.4 * clock.random()), signal);
  }
}
