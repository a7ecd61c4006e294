import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../ports/clock.ts';

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  random: () => Math.random(),
  // Aborted is an ordinary end of a wait; the caller looks at its signal.
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
};
