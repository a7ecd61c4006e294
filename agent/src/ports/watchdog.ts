/**
 * Who supervises this process (DESIGN §6 "Watchdog"). Nothing here waits, and nothing throws: a supervisor that cannot be
 * reached must not harm what it supervises.
 */
export interface Watchdog {
  /** A ping has to come within this time, ms; null where nobody waits for one. */
  readonly limitMs: number | null;
  /** The service is up. */
  ready(): void;
  /** One line for a person who asks the supervisor how the service is. */
  say(status: string): void;
  ping(): void;
  /** The service is on its way down by intention. */
  stopping(): void;
}
