import { Cron } from 'croner';
import type { Calendar } from '../ports/calendar.ts';

/** Maintenance windows by croner, which knows the time zones of the system's ICU. */
export const cronCalendar: Calendar = {
  nextStart({ cron, timeZone }, afterMs) {
    try {
      return lineOf(cron, timeZone).nextRun(new Date(afterMs))?.getTime() ?? null;
    } catch {
      // A window that cannot be read never opens; `flawOf` says why.
      return null;
    }
  },
  flawOf({ cron, timeZone }) {
    try {
      return lineOf(cron, timeZone).nextRun() ? null : `"${cron}" never comes`;
    } catch (err) {
      return err instanceof Error ? err.message : String(err);
    }
  },
};

/** Five fields only: seconds and years are other tools' dialects. */
const lineOf = (cron: string, timezone: string): Cron =>
  new Cron(cron, { timezone, paused: true, mode: '5-part' });
