import { describe, expect, it } from 'vitest';
import { cronCalendar } from './cron-calendar.ts';

const next = (cron: string, timeZone: string, after: string): string | null => {
  const ms = cronCalendar.nextStart({ cron, timeZone }, Date.parse(after));
  return ms === null ? null : new Date(ms).toISOString();
};

describe('a maintenance window on a wall clock', () => {
  it('begins at the same wall clock time in summer and in winter', () => {
    expect(next('0 3 * * *', 'Europe/Berlin', '2026-01-10T12:00:00Z')).toBe('2026-01-11T02:00:00.000Z');
    expect(next('0 3 * * *', 'Europe/Berlin', '2026-07-10T12:00:00Z')).toBe('2026-07-11T01:00:00.000Z');
  });

  it('begins when the clock jumps over its time in spring', () => {
    // 02:30 does not exist on 29 March: it is 03:00 then.
    expect(next('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z')).toBe('2026-03-29T01:00:00.000Z');
  });

  it('begins once when its time comes twice in autumn', () => {
    expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z')).toBe('2026-10-25T00:30:00.000Z');
    expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z')).toBe('2026-10-26T01:30:00.000Z');
  });

  it('knows days of the week, and zones without daylight saving time', () => {
    expect(next('0 22 * * 1-5', 'Asia/Tokyo', '2026-11-20T14:00:00Z')).toBe('2026-11-23T13:00:00.000Z');
  });

  it('never begins when it cannot be read, and says why', () => {
    for (const [cron, timeZone] of [
      ['rubbish', 'UTC'],
      ['0 0 3 * * *', 'UTC'],
      ['0 3 * * *', 'Mars/Olympus'],
      ['0 0 30 2 *', 'UTC'],
    ] as const) {
      expect(next(cron, timeZone, '2026-01-01T00:00:00Z')).toBeNull();
      expect(cronCalendar.flawOf({ cron, timeZone })).toMatch(/./);
    }
    expect(cronCalendar.flawOf({ cron: '0 3 * * *', timeZone: 'Europe/Berlin' })).toBeNull();
  });
});
