import { existsSync, readFileSync } from 'node:fs';
import { CodedError } from '@ringfleet/shared/errors';
import {
  type ClientRequest,
  DEFAULT_RULES,
  initialRootVersion,
  type MinimumVersions,
  type StoredMetadata,
  type TrustMetadataStore,
} from '@ringfleet/shared/trust';
import type { Database } from 'better-sqlite3';

type Sync<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never;
};
interface Row {
  readonly role: string;
  readonly version: number;
  readonly document: string;
}

const FACTORY = 'factory-root';

/** The metadata that the device trusts, in control.db: the port's promises without its waits, for the worker thread. */
export class TrustMetadataSqlite implements Sync<TrustMetadataStore> {
  readonly #db: Database;
  readonly #minimumFile: string | null;

  /** `minimumFile` holds the versions that the enrollment token named, where it named some. */
  constructor(db: Database, minimumFile: string | null = null) {
    this.#db = db;
    this.#minimumFile = minimumFile;
  }

  load(): StoredMetadata {
    const rows = this.#db
      .prepare<[], Row>("SELECT role, version, document FROM trust_documents WHERE role <> 'root'")
      .all();
    const root = this.#newestRoot();
    return {
      factoryRoot: Buffer.from(this.#factory()),
      root: root ? Buffer.from(root.document) : null,
      rootFloor: root?.version ?? 0,
      roles: new Map(rows.map((row) => [row.role, Buffer.from(row.document)])),
      minimum: this.#minimum(),
    };
  }

  /** Devices that enrolled with an older version have none. */
  #minimum(): MinimumVersions {
    const file = this.#minimumFile;
    return file !== null && existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as MinimumVersions)
      : {};
  }

  init(factoryRoot: Uint8Array, version: number): void {
    this.#db.transaction(() => {
      this.#db.prepare('DELETE FROM trust_documents').run();
      this.#setFactory(factoryRoot);
      this.keepRoot(version, factoryRoot);
    })();
  }

  /**
   * Starts from the root that enrollment pinned. A database that has none yet keeps all it has; one that started from
   * another root forgets it: `replaced`. What is no root changes nothing: the file may be damaged.
   */
  startFrom(pinned: Uint8Array): 'kept' | 'replaced' {
    const known = this.#meta();
    if (known === Buffer.from(pinned).toString()) return 'kept';
    let version: number;
    try {
      version = initialRootVersion(pinned, DEFAULT_RULES);
    } catch (err) {
      if (err instanceof CodedError) return 'kept';
      throw err;
    }
    if (known !== undefined) this.init(pinned, version);
    else this.#setFactory(pinned);
    return known === undefined ? 'kept' : 'replaced';
  }

  keepRoot(version: number, bytes: Uint8Array): void {
    this.#put('root', version, bytes);
  }

  keep(role: string, bytes: Uint8Array, version = 0): void {
    this.#db.transaction(() => {
      // Not only older ones: after a fast-forward the good version is the lower one.
      this.drop(role);
      this.#put(role, version, bytes);
    })();
  }

  drop(role: string): void {
    this.#db.prepare('DELETE FROM trust_documents WHERE role = ?').run(role);
  }

  rootText(): string {
    return this.#newestRoot()?.document ?? this.#factory();
  }

  /** Does what the workflow asks. */
  apply(request: Exclude<ClientRequest, { type: 'fetch' }>): void {
    switch (request.type) {
      case 'keepRoot':
        this.keepRoot(request.version, request.bytes);
        return;
      case 'keep':
        this.keep(request.role, request.bytes, request.version);
        return;
      case 'drop':
        this.drop(request.role);
        return;
      default:
        request satisfies never;
    }
  }

  #put(role: string, version: number, bytes: Uint8Array): void {
    this.#db
      .prepare(
        `INSERT OR REPLACE INTO trust_documents (role, version, document, stored_at)
         VALUES (?, ?, ?, CAST(unixepoch('subsec') * 1000 AS INTEGER))`,
      )
      .run(role, version, Buffer.from(bytes).toString());
  }

  #factory(): string {
    const text = this.#meta();
    if (text === undefined) throw new CodedError('METADATA_MISSING', 'there is no first root');
    return text;
  }

  #meta(): string | undefined {
    return this.#db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?').get(FACTORY)
      ?.value;
  }

  #setFactory(root: Uint8Array): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)')
      .run(FACTORY, Buffer.from(root).toString());
  }

  #newestRoot(): Row | undefined {
    return this.#db
      .prepare<[], Row>(
        "SELECT role, version, document FROM trust_documents WHERE role = 'root' ORDER BY version DESC LIMIT 1",
      )
      .get();
  }
}
