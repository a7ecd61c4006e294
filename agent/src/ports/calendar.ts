import type { MaintenanceWindow } from '@ringfleet/shared/protocol';

/** Cron lines on wall clocks, daylight saving time included. */
export interface Calendar {
  /** The first time after `afterMs`; null when it never comes, or line or time zone cannot be read. */
  nextStart(window: Pick<MaintenanceWindow, 'cron' | 'timeZone'>, afterMs: number): number | null;
  /** What is wrong with a window; null when it can be used. */
  flawOf(window: Pick<MaintenanceWindow, 'cron' | 'timeZone'>): string | null;
}
