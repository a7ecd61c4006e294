import Sqlite, { type Database } from 'better-sqlite3';

/** Prepares each statement once: in memory preparing costs more than running, and agents and servers start often. */
export function remembering(content: Buffer): Database {
  const db = new Sqlite(content);
  const prepare = db.prepare.bind(db);
  const known = new Map<string, ReturnType<typeof prepare>>();
  db.prepare = ((sql: string) => {
    const statement = known.get(sql) ?? prepare(sql);
    known.set(sql, statement);
    return statement;
  }) as typeof db.prepare;
  return db;
}
