import Sqlite, { type Database } from 'better-sqlite3';
import { migrate } from '../../fleet-server/src/adapters/store-sqlite/migrate.ts';
import { remembering } from './remembering.ts';

/** A copy of both databases at one moment. */
export interface Backup {
  readonly control: Buffer;
  readonly telemetry: Buffer;
  readonly atMs: number;
}

let template: Backup | null = null;

/** The server's two databases, in memory: they outlive its process, and can be put back to an earlier moment. */
export class ServerDisk {
  control: Database;
  telemetry: Database;

  constructor() {
    template ??= { control: migrated('control'), telemetry: migrated('telemetry'), atMs: 0 };
    this.control = remembering(template.control);
    this.telemetry = remembering(template.telemetry);
  }

  backup(atMs: number): Backup {
    return { control: this.control.serialize(), telemetry: this.telemetry.serialize(), atMs };
  }

  restore(backup: Backup): void {
    this.close();
    this.control = remembering(backup.control);
    this.telemetry = remembering(backup.telemetry);
  }

  close(): void {
    this.control.close();
    this.telemetry.close();
  }
}

function migrated(kind: 'control' | 'telemetry'): Buffer {
  const db = new Sqlite(':memory:');
  migrate(db, kind);
  return db.serialize();
}
