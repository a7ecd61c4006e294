import type { MaintenanceWindow } from '@ringfleet/shared/protocol';
import { describe, expect, it } from 'vitest';
import { type PermissionQuestion, whyWaiting } from './permission.ts';

const HOUR_MS = 3_600_000;
/** Every day at a full hour of the epoch's clock. */
const daily = (hour: number, graceMs = HOUR_MS): MaintenanceWindow => ({
  cron: `0 ${hour} * * *`,
  timeZone: 'UTC',
  graceMs,
});
const nextStart: PermissionQuestion['nextStart'] = ({ cron }, afterMs) => {
  const hour = Number(cron.split(' ')[1]);
  if (Number.isNaN(hour)) return null;
  const day = Math.floor(afterMs / (24 * HOUR_MS)) * 24 * HOUR_MS;
  const start = day + hour * HOUR_MS;
  return start > afterMs ? start : start + 24 * HOUR_MS;
};
const at = (hour: number) => 10 * 24 * HOUR_MS + hour * HOUR_MS;
const ask = (changes: Partial<PermissionQuestion> = {}) =>
  whyWaiting({
    step: 'activate',
    job: { version: '1.1.0' },
    hold: null,
    windows: [],
    nowMs: at(12),
    nextStart,
    ...changes,
  });

describe('a release may go live', () => {
  it('at any time where nobody says otherwise', () => {
    expect(ask()).toBeNull();
  });

  it.each([
    [1.999, true],
    [2, false],
    [2.999, false],
    [3, true],
  ])("inside the device's window only: at %d h it waits: %s", (hour, waits) => {
    const waiting = ask({ windows: [daily(2)], nowMs: at(hour) });
    expect(waiting !== null).toBe(waits);
    if (waiting) expect(waiting.untilMs).toBe(hour < 2 ? at(2) : at(26));
  });

  it("inside any of the device's windows", () => {
    expect(ask({ windows: [daily(2), daily(12)] })).toBeNull();
    expect(ask({ windows: [daily(2), daily(14)] })).toMatchObject({ code: 'WINDOW_CLOSED', untilMs: at(14) });
  });

  it("only when the assignment's window is open as well", () => {
    const job = { version: '1.1.0', window: daily(14) };
    expect(ask({ job, windows: [daily(12)] })).toMatchObject({ untilMs: at(14) });
    expect(ask({ job, windows: [daily(12, 3 * HOUR_MS)], nowMs: at(14.5) })).toBeNull();
  });

  it('never in a window that cannot be read', () => {
    const waiting = ask({ windows: [{ cron: 'rubbish', timeZone: 'UTC', graceMs: HOUR_MS }] });
    expect(waiting).toMatchObject({ code: 'WINDOW_CLOSED' });
    expect(waiting).not.toHaveProperty('untilMs');
  });

  it('outside of windows when it is the way back to a good one', () => {
    expect(ask({ job: { version: '1.0.0', urgent: true }, windows: [daily(2)] })).toBeNull();
  });
});

describe('a hold', () => {
  const hold = { reason: 'stocktaking', sinceMs: 1 };

  it('of a person at the device stops the start and the activation, urgent or not', () => {
    const job = { version: '1.1.0', urgent: true };
    for (const step of ['start', 'activate'] as const) {
      expect(ask({ step, job, hold })).toEqual({
        code: 'HELD_AT_DEVICE',
        reason: '1.1.0 waits: somebody at the device holds all updates (stocktaking)',
      });
    }
  });

  it('of the server does the same', () => {
    for (const step of ['start', 'activate'] as const) {
      expect(ask({ step, job: { version: '1.1.0', hold: true } })).toMatchObject({ code: 'HELD_BY_SERVER' });
    }
  });

  it('is not what a window is: downloads go on outside of it', () => {
    expect(ask({ step: 'start', windows: [daily(2)] })).toBeNull();
  });
});
