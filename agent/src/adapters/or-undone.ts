import type { Database } from 'better-sqlite3';

/** Runs `work` in one transaction and answers what it answers; a trial leaves everything as it was, and so does an error. */
export function orUndone<T>(db: Database, isTrial: boolean, work: () => T): T {
  const undo = new Error('only a trial');
  let answer: { readonly value: T } | null = null;
  try {
    return db.transaction(() => {
      answer = { value: work() };
      if (isTrial) throw undo;
      return answer.value;
    })();
  } catch (err) {
    if (err !== undo || answer === null) throw err;
    return (answer as { readonly value: T }).value;
  }
}
