import { request } from 'node:http';
import { join } from 'node:path';
import { FakeClock } from '../../integration/fake-clock.ts';
import { untilTrue } from '../../lab/until.ts';
import type { Device } from '../lab/device.ts';
import type { FaultFamily } from './kind.ts';
import { inEveryState } from './staged.ts';

const SEEN_MS = 10_000;
const TIMES = [
  { kind: 'clock to 1970', time: '1970-01-02T00:00:00Z', year: 1970 },
  { kind: 'clock to 2031', time: '2031-06-01T00:00:00Z', year: 2031 },
];

/** The device's clock jumps, and jumps back when the device has noticed; its monotonic clock goes on. */
export const clocks: FaultFamily = {
  kinds: TIMES.map(({ kind }) => kind),
  faults: async () =>
    TIMES.flatMap(({ kind, time, year }) =>
      inEveryState({
        kind,
        at: 'and back',
        options: (device) => ({ env: clockOf(device).env }),
        before: (device) => clockOf(device).set(new Date().toISOString()),
        async harm(device) {
          const clock = clockOf(device);
          await clock.set(time);
          const seen = await untilYear(device, year);
          await clock.set(new Date().toISOString());
          await untilYear(device, new Date().getUTCFullYear());
          return `the agent dates its answers ${seen}, and then today`;
        },
      }),
    ),
};

const clockOf = (device: Device): FakeClock => new FakeClock(join(device.lab.dir, `${device.name}.clock`));

async function untilYear(device: Device, year: number): Promise<string> {
  let date = '';
  const isThere = async (): Promise<boolean> => {
    date = await dateOf(device.socket);
    return new Date(date).getUTCFullYear() === year;
  };
  await untilTrue(`the agent's clock is at ${year}`, isThere, { limitMs: SEEN_MS, detail: () => date });
  return date;
}

const dateOf = (socketPath: string): Promise<string> =>
  new Promise((resolve) => {
    const req = request({ socketPath, path: '/v2/health/live', timeout: 2_000 }, (res) => {
      res.resume();
      resolve(res.headers.date ?? '');
    });
    // Before it listens it has no date.
    req.on('error', () => resolve(''));
    req.end();
  });
