import { untilTrue } from '../../lab/until.ts';
import type { FaultFamily } from './kind.ts';
import { inEveryState, STATES } from './staged.ts';

const REMOVED_MS = 30_000;
const BUSY = STATES.filter((state) => state !== 'idle');
const ALL = ['1.0.0', '1.1.0', '1.2.0', ''];

/** The server changes its mind while the device is at work. */
export const orders: FaultFamily = {
  kinds: ['update during update', 'two updates at once', 'withdrawn', 'removed and back'],
  faults: async () => [
    ...inEveryState(
      {
        kind: 'update during update',
        at: '1.2.0 instead of 1.1.0',
        wanted: '1.2.0',
        known: ALL,
        async harm(device) {
          device.offer('1.2.0');
          return 'the newer assignment was sent';
        },
      },
      BUSY,
    ),
    ...inEveryState(
      {
        kind: 'two updates at once',
        at: '1.2.0, 1.1.0 and 1.2.0 again',
        wanted: '1.2.0',
        known: ALL,
        async harm(device) {
          for (const version of ['1.2.0', '1.1.0', '1.2.0']) device.offer(version);
          return 'three assignments were sent without a pause';
        },
      },
      BUSY,
    ),
    ...inEveryState(
      {
        kind: 'withdrawn',
        at: 'back to 1.0.0',
        wanted: '1.0.0',
        known: ALL,
        async harm(device) {
          device.offer('1.0.0');
          return 'the assignment of 1.0.0 was sent';
        },
      },
      BUSY,
    ),
    ...inEveryState(
      {
        kind: 'removed and back',
        at: 'nothing, then 1.1.0',
        wanted: '1.1.0',
        known: ALL,
        async harm(device) {
          device.offer(null);
          const isGone = async (): Promise<boolean> => (await device.status())?.models[0]?.phase === 'empty';
          await untilTrue('the model is removed', isGone, { limitMs: REMOVED_MS });
          device.offer('1.1.0');
          return 'the agent said that it is empty';
        },
      },
      BUSY,
    ),
  ],
};
