import { CodedError } from '@ringfleet/shared/errors';
import pino from 'pino';
import { expect, it } from 'vitest';
import { keepRenewed } from './renewal-keeper.ts';

const DAY_MS = 86_400_000;

it('renews when it is time, says what failed, tries again, and then leaves it alone', async () => {
  const end = new AbortController();
  const log: string[] = [];
  let nowMs = 59.99 * DAY_MS;
  let life = { notBeforeMs: 0, notAfterMs: 90 * DAY_MS };
  let looks = 0;
  await keepRenewed(
    {
      log: pino({ level: 'silent' }),
      life: () => life,
      renew: async (step) => {
        log.push(step);
        if (log.length === 1) throw new CodedError('SERVER_UNREACHABLE');
        life = { notBeforeMs: nowMs, notAfterMs: nowMs + 90 * DAY_MS };
      },
      onFailed: (code) => log.push(code),
      clock: {
        nowMs: () => nowMs,
        random: () => 0.5,
        sleep: async (ms) => {
          nowMs += ms;
          looks += 1;
          if (looks === 10) end.abort();
        },
      },
    },
    end.signal,
  );
  expect(log).toEqual(['due', 'SERVER_UNREACHABLE', 'due']);
});
