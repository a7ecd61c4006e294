import { expect, it } from 'vitest';
import { createRefresher } from './refresh.ts';

function laboratory() {
  const reads: string[] = [];
  const timers: { atMs: number; call: () => void }[] = [];
  const page = { isVisible: true };
  let nowMs = 0;
  const refresher = createRefresher({
    now: () => nowMs,
    later(ms, call) {
      timers.push({ atMs: nowMs + ms, call });
      return () => {};
    },
    isVisible: () => page.isVisible,
    refresh: (topic) => reads.push(`${nowMs} ${topic}`),
  });
  const passTo = (atMs: number): void => {
    nowMs = atMs;
    for (const timer of timers.splice(0)) {
      if (timer.atMs <= nowMs) timer.call();
      else timers.push(timer);
    }
  };
  return { refresher, reads, page, passTo };
}

it('reads each topic once for a burst of events, soon after the first', () => {
  const { refresher, reads, passTo } = laboratory();
  for (let i = 0; i < 500; i++) refresher.want(['devices', 'overview']);
  passTo(80);
  expect(reads).toEqual(['80 devices', '80 overview']);
});

it('reads at most once a second while events keep coming', () => {
  const { refresher, reads, passTo } = laboratory();
  refresher.want(['devices']);
  passTo(80);
  refresher.want(['devices']);
  passTo(500);
  expect(reads).toEqual(['80 devices']);
  passTo(1_080);
  expect(reads).toEqual(['80 devices', '1080 devices']);
});

it('reads nothing while nobody looks, and all that waited when somebody does', () => {
  const { refresher, reads, page, passTo } = laboratory();
  page.isVisible = false;
  refresher.want(['devices']);
  passTo(80);
  refresher.want(['rollouts']);
  passTo(5_000);
  expect(reads).toEqual([]);
  page.isVisible = true;
  refresher.wake();
  passTo(6_000);
  expect(reads).toEqual(['6000 devices', '6000 rollouts']);
});
