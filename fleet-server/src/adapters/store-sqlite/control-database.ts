import { createHash } from 'node:crypto';
import type { Database, Statement } from 'better-sqlite3';
import type { Log } from '../../ports/log.ts';
import type { Change, NewEvent } from '../../ports/stores.ts';

/** What a transaction writes besides its own rows. */
export interface Tx {
  /** One row of the hash-chained audit log. */
  audit(change: Change, action: string, target: string, detail?: unknown): void;
  event(event: NewEvent, atMs: number): void;
}

/** control.db as the stores see it: prepared statements, and one way to write. */
export interface ControlDatabase {
  prepare<P extends unknown[] = unknown[], R = unknown>(sql: string): Statement<P, R>;
  /** Runs `work` as one immediate transaction; it must be synchronous. Tells listeners of new events after the commit. */
  write<T>(work: (tx: Tx) => T): T;
  onAppend(listener: () => void): () => void;
}

export function controlDatabase(db: Database, log: Log): ControlDatabase {
  const listeners = new Set<() => void>();
  const insertEvent = db.prepare(
    `INSERT INTO events (at_ms, kind, code, sentence, device, model, rollout, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const audit = auditWriter(db);
  let hasNewEvents = false;
  const tx: Tx = {
    audit,
    event(event, atMs) {
      hasNewEvents = true;
      const { kind, code, sentence, device, model, rollout, data } = event;
      insertEvent.run(atMs, kind, code, sentence, device, model, rollout, JSON.stringify(data));
    },
  };

  function notify(): void {
    for (const listener of listeners) {
      try {
        listener();
      } catch (err) {
        // The commit stands whatever a listener thinks of it.
        log.error({ err, component: 'store' }, 'event listener failed');
      }
    }
  }

  // One for all: to make one costs more than a small transaction itself.
  const transaction = db.transaction((work: (tx: Tx) => unknown) => work(tx));

  return {
    prepare: <P extends unknown[], R>(sql: string) => db.prepare<P, R>(sql),
    write<T>(work: (tx: Tx) => T): T {
      hasNewEvents = false;
      const result = transaction.immediate(work) as T;
      if (hasNewEvents) notify();
      return result;
    },
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** sha256 over the previous row's hash and this row's content; the first row chains to 32 zero bytes. */
export function auditHash(previous: Uint8Array, content: string): Buffer {
  return createHash('sha256').update(previous).update(content).digest();
}

export const FIRST_AUDIT_HASH = new Uint8Array(32);

function auditWriter(db: Database): Tx['audit'] {
  const last = db.prepare<[], { hash: Buffer }>('SELECT hash FROM audit_entries ORDER BY seq DESC LIMIT 1');
  const insert = db.prepare(
    `INSERT INTO audit_entries (at_ms, by_kind, by_name, action, target, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  return ({ by, atMs }, action, target, detail = {}) => {
    const content = [atMs, by.kind, by.name, action, target, JSON.stringify(detail)] as const;
    insert.run(...content, auditHash(last.get()?.hash ?? FIRST_AUDIT_HASH, JSON.stringify(content)));
  };
}
