/** Server time for relative times: the browser's clock may be wrong, the server's figures are not. */
export interface Clock {
  now(): number;
  /** Learns how far the server's clock is from ours. */
  learn(serverTimeMs: number): void;
  /** Calls back about once a second while somebody listens. */
  subscribe(listener: () => void): () => void;
}

const TICK_MS = 1_000;

export function createClock(): Clock {
  const listeners = new Set<() => void>();
  let aheadMs = 0;
  let timer: ReturnType<typeof setInterval> | null = null;
  return {
    now: () => Date.now() + aheadMs,
    learn(serverTimeMs) {
      aheadMs = serverTimeMs - Date.now();
    },
    subscribe(listener) {
      listeners.add(listener);
      timer ??= setInterval(() => {
        for (const call of listeners) call();
      }, TICK_MS);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0 || timer === null) return;
        clearInterval(timer);
        timer = null;
      };
    },
  };
}
