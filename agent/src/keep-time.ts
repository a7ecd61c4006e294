import type { Logger } from 'pino';
import { askTime, type TimeDoor } from './adapters/time-http.ts';
import type { TrustedClock } from './adapters/trusted-clock.ts';
import type { TimeStore } from './ports/time-store.ts';
import { TimeKeeper } from './supervisor/time-keeper.ts';

export interface KeepTimeParts {
  readonly clock: TrustedClock;
  readonly trust: TimeStore;
  readonly caPem: string;
  /** Asked in this order, with the certificate in use. */
  readonly doors: () => readonly TimeDoor[];
  readonly onRefused: (code: string, message: string) => void;
  readonly log: Logger;
}

/** Joins question, verification and clock. */
export function keepTime({ clock, trust, caPem, doors, onRefused, log }: KeepTimeParts): TimeKeeper {
  return new TimeKeeper({
    sync: async (signal) => {
      const { rootVersion } = await trust.timeBasis();
      const { nonce, reply } = await askTime(doors(), caPem, rootVersion, signal);
      const monotonicAtReceiptMs = clock.monotonicMs();
      clock.learn({ ...(await trust.acceptTime(reply, nonce, clock.nowMs())), monotonicAtReceiptMs });
    },
    clocks: () => ({ systemMs: clock.systemMs(), monotonicMs: clock.monotonicMs() }),
    systemAheadMs: () => clock.systemMs() - clock.nowMs(),
    onRefused,
    sleep: (ms, signal) => clock.sleep(ms, signal),
    random: () => clock.random(),
    log,
  });
}
