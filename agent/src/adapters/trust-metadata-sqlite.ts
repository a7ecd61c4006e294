import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ClientRequest, MinimumVersions, StoredMetadata } from '@ringfleet/shared/trust';
import type { Database } from 'better-sqlite3';

interface Row {
  readonly role: string;
  readonly version: number;
  readonly document: string;
}

/** The metadata that the device trusts, in control.db; the first root is the file that enrollment pinned. */
export class TrustMetadataSqlite {
  readonly #db: Database;
  readonly #factoryRoot: string;

  constructor(db: Database, factoryRoot: string) {
    this.#db = db;
    this.#factoryRoot = factoryRoot;
  }

  load(): StoredMetadata {
    const rows = this.#db
      .prepare<[], Row>("SELECT role, version, document FROM trust_documents WHERE role <> 'root'")
      .all();
    const root = this.#newestRoot();
    return {
      factoryRoot: readFileSync(this.#factoryRoot),
      root: root ? Buffer.from(root.document) : null,
      rootFloor: root?.version ?? 0,
      roles: new Map(rows.map((row) => [row.role, Buffer.from(row.document)])),
      minimum: this.#minimum(),
    };
  }

  /** Devices that enrolled with an older version have none. */
  #minimum(): MinimumVersions {
    const file = join(dirname(this.#factoryRoot), 'minimum.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as MinimumVersions) : {};
  }

  rootText(): string {
    return this.#newestRoot()?.document ?? readFileSync(this.#factoryRoot, 'utf8');
  }

  /** Does what the workflow asks, in one transaction. */
  apply(request: Exclude<ClientRequest, { type: 'fetch' }>, nowMs: number): void {
    if (request.type === 'keepRoot') {
      this.#put('root', request.version, request.bytes, nowMs);
      return;
    }
    this.#db.transaction(() => {
      // Not only older ones: after a fast-forward the good version is the lower one.
      this.#db.prepare('DELETE FROM trust_documents WHERE role = ?').run(request.role);
      if (request.type === 'keep') this.#put(request.role, request.version, request.bytes, nowMs);
    })();
  }

  #put(role: string, version: number, bytes: Uint8Array, nowMs: number): void {
    this.#db
      .prepare(
        'INSERT OR REPLACE INTO trust_documents (role, version, document, stored_at) VALUES (?, ?, ?, ?)',
      )
      .run(role, version, Buffer.from(bytes).toString(), nowMs);
  }

  #newestRoot(): Row | undefined {
    return this.#db
      .prepare<[], Row>(
        "SELECT role, version, document FROM trust_documents WHERE role = 'root' ORDER BY version DESC LIMIT 1",
      )
      .get();
  }
}
