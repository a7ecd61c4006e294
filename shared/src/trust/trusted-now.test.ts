import { describe, expect, it } from 'vitest';
import { SIGNED_FRESH_MS, type TimeSources, trustedNow } from './trusted-now.ts';

const at = (text: string): number => Date.parse(text);
const BUILD_MS = at('2026-11-01T00:00:00Z');
const TRUE_MS = at('2026-12-24T12:00:00Z');
const HOUR_MS = 3_600_000;
const now = (sources: Partial<TimeSources>): string => {
  const none = { systemMs: 0, monotonicMs: 0, buildMs: BUILD_MS, persistedMs: 0, lastSigned: null };
  return new Date(trustedNow({ ...none, ...sources })).toISOString();
};
const signed = (atMs = TRUE_MS, monotonicAtReceiptMs = 0) => ({ lastSigned: { atMs, monotonicAtReceiptMs } });

describe('without signed time, trusted now is the latest that anything says', () => {
  it('the system clock, when that is right', () => {
    expect(now({ systemMs: TRUE_MS, persistedMs: TRUE_MS - HOUR_MS })).toBe('2026-12-24T12:00:00.000Z');
  });

  it('the build, with a clock at 1970, and it goes on from there', () => {
    expect(now({ systemMs: 5_000, monotonicMs: 5_000 })).toBe('2026-11-01T00:00:05.000Z');
  });

  it('what was signed before the restart', () => {
    const persistedMs = at('2026-12-01T00:00:00Z');
    expect(now({ persistedMs, monotonicMs: 1_000 })).toBe('2026-12-01T00:00:01.000Z');
  });

  it('the system clock, also when it runs ahead: nothing here knows better', () => {
    expect(now({ systemMs: at('2031-01-01T00:00:00Z') })).toBe('2031-01-01T00:00:00.000Z');
  });
});

describe('fresh signed time overrules the clock', () => {
  it.each(['1970-01-01T00:00:00Z', '2026-12-24T11:00:00Z', '2031-06-01T00:00:00Z'])('at %s', (clock) => {
    expect(now({ systemMs: at(clock), monotonicMs: 0, ...signed() })).toBe('2026-12-24T12:00:00.000Z');
  });

  it('however often it jumps, and goes on by the monotonic clock alone', () => {
    const jumps = ['1970-01-01T00:00:00Z', '2031-06-01T00:00:00Z', '1999-01-01T00:00:00Z'];
    const seen = jumps.map((clock, i) =>
      now({ systemMs: at(clock), monotonicMs: 100 + i * 1_000, ...signed(TRUE_MS, 100) }),
    );
    expect(seen).toEqual([
      '2026-12-24T12:00:00.000Z',
      '2026-12-24T12:00:01.000Z',
      '2026-12-24T12:00:02.000Z',
    ]);
  });

  it('but never below what was signed before, nor below the build', () => {
    const persistedMs = TRUE_MS + HOUR_MS;
    expect(now({ persistedMs, ...signed() })).toBe('2026-12-24T13:00:00.000Z');
    expect(now(signed(at('2020-01-01T00:00:00Z')))).toBe('2026-11-01T00:00:00.000Z');
  });

  it('and no longer than a day: while a machine sleeps, its monotonic clock stands', () => {
    const monotonicMs = SIGNED_FRESH_MS + 1;
    const systemMs = TRUE_MS + 10 * SIGNED_FRESH_MS;
    expect(now({ systemMs, monotonicMs, ...signed() })).toBe('2027-01-03T12:00:00.000Z');
    expect(now({ systemMs: 0, monotonicMs, ...signed() })).toBe('2026-12-25T12:00:00.001Z');
  });
});
