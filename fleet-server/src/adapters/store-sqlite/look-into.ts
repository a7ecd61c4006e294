import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';

/** What can be seen in a data folder from outside, while a server runs on it or not. */
export interface Seen {
  /** The first fault that SQLite finds; null when there is none. */
  readonly fault: string | null;
  /** Newest signed documents by role. */
  readonly documents: ReadonlyMap<string, string>;
  /** Manifests of all releases that are not yanked. */
  readonly manifests: readonly Uint8Array[];
  readonly devices: number;
}

/** Reads the databases without changing or locking anything. Throws what SQLite says. */
export function lookInto(dataDir: string): Seen {
  const telemetry = open(dataDir, 'telemetry.db', (db) => quickCheck(db));
  return open(dataDir, 'control.db', (db) => {
    const documents = db
      .prepare<[], { role: string; document: string }>(
        'SELECT role, document, max(version) FROM trust_documents GROUP BY role',
      )
      .all();
    const manifests = db
      .prepare<[], { manifest: Buffer }>('SELECT manifest FROM releases WHERE yanked_at_ms IS NULL')
      .all();
    const devices = db
      .prepare<[], { n: number }>(
        `SELECT count(*) AS n FROM devices WHERE status NOT IN ('revoked', 'decommissioned')`,
      )
      .get();
    return {
      fault: quickCheck(db) ?? telemetry,
      documents: new Map(documents.map(({ role, document }) => [role, document])),
      manifests: manifests.map(({ manifest }) => manifest),
      devices: devices?.n ?? 0,
    };
  });
}

function open<T>(dataDir: string, name: string, work: (db: BetterSqlite3.Database) => T): T {
  const db = new BetterSqlite3(join(dataDir, name), { readonly: true, fileMustExist: true });
  try {
    return work(db);
  } finally {
    db.close();
  }
}

function quickCheck(db: BetterSqlite3.Database): string | null {
  const verdict = String(db.pragma('quick_check(1)', { simple: true }));
  return verdict === 'ok' ? null : `${db.name}: ${verdict}`;
}
