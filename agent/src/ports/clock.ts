/** Time and chance, passed in so that tests can hold them still. */
export interface Clock {
  nowMs(): number;
  /** In [0, 1). */
  random(): number;
  /** Resolves after the time, or at once when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
