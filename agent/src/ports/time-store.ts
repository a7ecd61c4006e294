import type { TimeReply } from '@ringfleet/shared/protocol';

/** What decides whether a signed time is believed, and keeps it. */
export interface TimeStore {
  /** The root that the next question for the time starts from, and the newest signed time on disk (0 without one). */
  timeBasis(): Promise<{ readonly rootVersion: number; readonly persistedMs: number }>;
  /**
   * Follows the roots that came with a signed time, verifies it under the newest, and keeps it when it is later than what
   * is kept. When a root takes away the keys behind the kept one, that is forgotten first.
   */
  acceptTime(
    reply: TimeReply,
    nonce: string,
    nowMs: number,
  ): Promise<{ readonly atMs: number; readonly persistedMs: number }>;
}
