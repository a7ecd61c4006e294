import type { Database } from 'better-sqlite3';
import { MOST_UNTOLD } from './journal-lag.ts';

/** What control.db is known to have lost: itself, or what it was told during the last starts. */
export type Forgotten = 'nothing' | 'starts' | 'journal';

/**
 * Which heartbeats the server has stands in control.db. Where that was lost, what may have been sent is given up: a count
 * that comes twice is worse than a few that never come, and a number of a lost journal would be waited for in the new one.
 */
export function dropWhatMayBeSent(tele: Database, forgotten: Forgotten): void {
  if (forgotten === 'nothing') return;
  tele.transaction(() => {
    if (forgotten === 'journal') tele.prepare('DELETE FROM outbox WHERE seq IS NOT NULL').run();
    const oldest = 'SELECT id FROM outbox WHERE seq IS NULL ORDER BY id LIMIT ?';
    tele.prepare(`DELETE FROM outbox WHERE id IN (${oldest})`).run(MOST_UNTOLD);
  })();
}
