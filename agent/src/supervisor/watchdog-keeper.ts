import type { Logger } from 'pino';
import type { Clock } from '../ports/clock.ts';
import type { Watchdog } from '../ports/watchdog.ts';

/** Between looks where nobody waits for a ping: how old the status line may get. */
const LOOK_MS = 5_000;
/** A neglect seen this often in a row is no moment between two steps. */
const LOOKS_TO_BELIEVE = 2;

export interface WatchdogKeeperOptions {
  readonly watchdog: Watchdog;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'error'>;
  /** What the supervisor should be doing and is not, in words; null when it has acted on every runner. */
  readonly neglected: () => string | null;
  readonly status: () => string;
}

/**
 * Pings while the loop turns and the supervisor has acted on every runner; a runner's own failure never withholds a ping
 * (DESIGN §6 "Watchdog"). Nothing here waits for disk or network, so neither can get the agent killed.
 */
export async function keepWatchdog(options: WatchdogKeeperOptions, signal: AbortSignal): Promise<void> {
  const { watchdog, clock, log, neglected, status } = options;
  const lookMs = Math.min(LOOK_MS, (watchdog.limitMs ?? Number.POSITIVE_INFINITY) / 4);
  let said = '';
  let looks = 0;
  while (!signal.aborted) {
    const neglect = neglected();
    looks = neglect === null ? 0 : looks + 1;
    if (looks < LOOKS_TO_BELIEVE) watchdog.ping();
    else log.error({ component: 'watchdog', code: 'SUPERVISOR_STUCK', neglect }, 'ping withheld');
    const line = status();
    if (line !== said) watchdog.say(line);
    said = line;
    await clock.sleep(lookMs, signal);
  }
}
