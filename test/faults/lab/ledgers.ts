import { join } from 'node:path';
import Sqlite from 'better-sqlite3';

const KEY = `journal || '/' || start || '/'`;

/** What is wrong between a device's own ledger and the rows of a real server, in words. */
export function compareLedgers(agentDir: string, serverDir: string, device: string): string[] {
  const acknowledged = keysIn(
    join(agentDir, 'control.db'),
    `SELECT ${KEY} || stream || '/' || seq AS key FROM report_ledger WHERE outcome = 'stored'`,
  );
  const stored = [
    ...keysIn(
      join(serverDir, 'control.db'),
      `SELECT ${KEY} || stream || '/' || seq AS key FROM reports WHERE device = '${device}'`,
    ),
    ...keysIn(
      join(serverDir, 'telemetry.db'),
      `SELECT ${KEY} || 'tele/' || seq AS key FROM heartbeats WHERE device = '${device}'`,
    ),
  ];
  const keys = new Set(stored);
  return [
    ...acknowledged.filter((key) => !keys.has(key)).map((key) => `${key} was acknowledged and is missing`),
    ...(keys.size === stored.length ? [] : [`${stored.length - keys.size} reports are double`]),
  ];
}

function keysIn(path: string, sql: string): string[] {
  const db = new Sqlite(path, { readonly: true });
  try {
    return db
      .prepare<[], { key: string }>(sql)
      .all()
      .map(({ key }) => key);
  } finally {
    db.close();
  }
}
