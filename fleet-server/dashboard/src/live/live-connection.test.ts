import { describe, expect, it } from 'vitest';
import { createLiveConnection, type LiveConnection, type Stream } from './live-connection.ts';

/** An event source and a clock in the hand of the test. */
function laboratory() {
  const streams: FakeStream[] = [];
  const timers = new Set<{ atMs: number; call: () => void }>();
  const heard: string[] = [];
  let nowMs = 0;
  const live: LiveConnection = createLiveConnection(
    {
      open: () => {
        const stream = new FakeStream();
        streams.push(stream);
        return stream;
      },
      now: () => nowMs,
      later(ms, call) {
        const timer = { atMs: nowMs + ms, call };
        timers.add(timer);
        return () => timers.delete(timer);
      },
      random: () => 1,
    },
    {
      onEvent: (data) => heard.push(data),
      onOpen: () => heard.push('open'),
      onRefused: () => heard.push('refused'),
    },
  );
  const pass = (ms: number): void => {
    nowMs += ms;
    for (const timer of [...timers]) {
      if (timer.atMs > nowMs) continue;
      timers.delete(timer);
      timer.call();
    }
  };
  return { live, streams, heard, pass, latest: (): FakeStream => streams.at(-1) ?? new FakeStream() };
}

class FakeStream implements Stream {
  readyState = 0;
  readonly #listeners = new Map<string, ((event: Event) => void)[]>();

  addEventListener(type: string, listener: (event: Event) => void): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }
  close(): void {
    this.readyState = 2;
  }
  opens(): void {
    this.readyState = 1;
    this.#emit(new Event('open'));
  }
  /** The line broke; the browser tries again by itself. */
  breaks(): void {
    this.readyState = 0;
    this.#emit(new Event('error'));
  }
  /** The answer was not a stream; the browser gives up. */
  isRefused(): void {
    this.readyState = 2;
    this.#emit(new Event('error'));
  }
  sends(type: string, data: string): void {
    this.#emit(new MessageEvent(type, { data }));
  }
  #emit(event: Event): void {
    for (const call of this.#listeners.get(event.type) ?? []) call(event);
  }
}

describe('live connection', () => {
  it('is live once the stream is open, and hands events on', () => {
    const { live, latest, heard } = laboratory();
    live.start();
    expect(live.state()).toEqual({ kind: 'connecting' });
    latest().opens();
    latest().sends('rollout', 'x');
    expect(live.state()).toEqual({ kind: 'live' });
    expect(heard).toEqual(['open', 'x']);
  });

  it('says since when it is stale when the line does not come back soon', () => {
    const { live, latest, pass } = laboratory();
    live.start();
    latest().opens();
    pass(5_000);
    latest().breaks();
    expect(live.state()).toEqual({ kind: 'reconnecting', sinceMs: 5_000 });
    pass(9_999);
    latest().breaks();
    expect(live.state()).toEqual({ kind: 'reconnecting', sinceMs: 5_000 });
    pass(1);
    expect(live.state()).toEqual({ kind: 'stale', sinceMs: 5_000 });
  });

  it('tells every opening, because what came before it is unknown', () => {
    const { live, latest, heard } = laboratory();
    live.start();
    latest().opens();
    latest().breaks();
    latest().opens();
    expect(live.state()).toEqual({ kind: 'live' });
    expect(heard).toEqual(['open', 'open']);
  });

  it('opens a new stream with growing pauses when the browser has given up', () => {
    const { live, streams, latest, heard, pass } = laboratory();
    live.start();
    latest().isRefused();
    pass(999);
    expect(streams).toHaveLength(1);
    pass(1);
    expect(streams).toHaveLength(2);
    latest().isRefused();
    pass(1_999);
    expect(streams).toHaveLength(2);
    pass(1);
    expect(streams).toHaveLength(3);
    latest().opens();
    expect(heard).toEqual(['refused', 'refused', 'open']);
  });

  it('is silent after stop, whatever the old stream still does', () => {
    const { live, streams, heard, latest, pass } = laboratory();
    live.start();
    const old = latest();
    old.isRefused();
    live.stop();
    old.sends('rollout', 'late');
    pass(60_000);
    expect(streams).toHaveLength(1);
    expect(heard).toEqual(['refused']);
    expect(live.state()).toEqual({ kind: 'connecting' });
  });
});
