/** How fresh the page is. `stale` is a reconnect that takes longer than a person should have to trust the figures. */
export type LiveState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'reconnecting' | 'stale'; readonly sinceMs: number };

/** The part of EventSource that is used; CONNECTING is 0, OPEN 1, CLOSED 2. */
export interface Stream {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: Event) => void): void;
  close(): void;
}

export interface LivePorts {
  open(): Stream;
  now(): number;
  /** Calls back once after `ms`; returns the cancel. */
  later(ms: number, call: () => void): () => void;
  /** 0 <= x < 1. */
  random(): number;
}

export interface LiveListeners {
  onEvent(data: string): void;
  /** The stream is open. It begins now: what came between the last read and this moment is unknown. */
  onOpen(): void;
  /** The server answered the stream with something else than a stream; it may want a new session. */
  onRefused(): void;
}

export interface LiveConnection {
  start(): void;
  stop(): void;
  subscribe(listener: () => void): () => void;
  state(): LiveState;
}

const KINDS = ['device', 'state', 'rollout', 'release', 'ring', 'alert', 'trust'] as const;
const STALE_AFTER_MS = 10_000;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 15_000;
const CLOSED = 2;

/**
 * One event stream per page. The browser reconnects by itself after a lost line; after any other answer than a stream
 * it gives up for good, so that case is retried here, with growing pauses.
 */
export function createLiveConnection(ports: LivePorts, listeners: LiveListeners): LiveConnection {
  const subscribers = new Set<() => void>();
  let state: LiveState = { kind: 'connecting' };
  let stream: Stream | null = null;
  let cancelStale = (): void => {};
  let cancelRetry = (): void => {};
  let retries = 0;

  const become = (next: LiveState): void => {
    state = next;
    for (const call of subscribers) call();
  };

  const onOpen = (): void => {
    cancelStale();
    retries = 0;
    become({ kind: 'live' });
    listeners.onOpen();
  };

  const onError = (): void => {
    if (state.kind !== 'reconnecting' && state.kind !== 'stale') {
      const sinceMs = ports.now();
      become({ kind: 'reconnecting', sinceMs });
      cancelStale = ports.later(STALE_AFTER_MS, () => become({ kind: 'stale', sinceMs }));
    }
    if (stream?.readyState !== CLOSED) return;
    listeners.onRefused();
    const pauseMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** retries) * (0.5 + ports.random() / 2);
    retries += 1;
    cancelRetry();
    cancelRetry = ports.later(pauseMs, connect);
  };

  function connect(): void {
    stream?.close();
    const mine = ports.open();
    stream = mine;
    const whileMine = (call: () => void) => () => {
      if (stream === mine) call();
    };
    mine.addEventListener('open', whileMine(onOpen));
    mine.addEventListener('error', whileMine(onError));
    for (const kind of KINDS) {
      mine.addEventListener(kind, (event) => {
        if (stream === mine && 'data' in event && typeof event.data === 'string')
          listeners.onEvent(event.data);
      });
    }
  }

  return {
    start: connect,
    stop() {
      cancelStale();
      cancelRetry();
      stream?.close();
      stream = null;
      retries = 0;
      become({ kind: 'connecting' });
    },
    subscribe(listener) {
      subscribers.add(listener);
      return () => subscribers.delete(listener);
    },
    state: () => state,
  };
}
