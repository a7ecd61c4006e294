import { expect, it } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { keepWatchdog } from './watchdog-keeper.ts';

/** Looks as often as there are answers, then ends. */
async function heard(neglects: readonly (string | null)[], lines: readonly string[] = []): Promise<string[]> {
  const all: string[] = [];
  const end = new AbortController();
  let look = 0;
  const clock: Clock = {
    nowMs: () => 0,
    random: () => 0,
    sleep: async (ms) => {
      all.push(`${ms} ms`);
      look += 1;
      if (look === neglects.length) end.abort();
    },
  };
  const watchdog = {
    limitMs: 8_000,
    ready: () => undefined,
    stopping: () => undefined,
    say: (line: string) => all.push(line),
    ping: () => all.push('ping'),
  };
  const options = {
    watchdog,
    clock,
    log: { error: () => all.push('error') },
    neglected: () => neglects[look] ?? null,
    status: () => lines[look] ?? '',
  };
  await keepWatchdog(options, end.signal);
  return all;
}

it('pings well within the limit', async () => {
  expect(await heard([null, null])).toEqual(['ping', '2000 ms', 'ping', '2000 ms']);
});

it('withholds the ping when a runner stays unattended, not for a moment between two steps', async () => {
  const all = await heard(['x', null, 'x', 'x', 'x', null]);
  expect(all.filter((one) => !one.endsWith('ms'))).toEqual([
    'ping',
    'ping',
    'ping',
    'error',
    'error',
    'ping',
  ]);
});

it('says the status line when it has changed', async () => {
  const all = await heard([null, null, null], ['a', 'a', 'b']);
  expect(all.filter((one) => one.length === 1)).toEqual(['a', 'b']);
});
