import { join } from 'node:path';
import Sqlite from 'better-sqlite3';

/** Changes what a device holds while it is off. */
export const onControlDb =
  (sql: string) =>
  (stateDir: string): void => {
    const db = new Sqlite(join(stateDir, 'control.db'));
    db.exec(sql);
    db.close();
  };
