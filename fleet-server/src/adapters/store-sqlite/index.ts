import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { RETENTION, type Retention } from '../../core/telemetry/buckets.ts';
import type { Clock, Log } from '../../ports/log.ts';
import type { Stores } from '../../ports/stores.ts';
import { assignmentStore } from './assignments.ts';
import { auditStore } from './audit.ts';
import { controlDatabase } from './control-database.ts';
import { deviceStore } from './devices.ts';
import { endConnections } from './end-connections.ts';
import { eventStore } from './events.ts';
import { identityStore } from './identities.ts';
import { lockFolder } from './lock-folder.ts';
import { openDatabase } from './open-database.ts';
import { pendingStore } from './pending.ts';
import { peopleStore } from './people.ts';
import { refusalStore } from './refusals.ts';
import { releaseStore } from './releases.ts';
import { reportStore } from './reports.ts';
import { ringStore } from './rings.ts';
import { rollUps } from './roll-ups.ts';
import { rolloutStore } from './rollouts.ts';
import { sessionStore } from './sessions.ts';
import { telemetryQueries } from './telemetry-queries.ts';
import { telemetryReader } from './telemetry-reader.ts';
import { telemetryRows } from './telemetry-rows.ts';
import { type TelemetryReader, telemetryStore } from './telemetry-store.ts';
import { tokenStore } from './tokens.ts';
import { trustStore } from './trust.ts';
import { webhookStore } from './webhooks.ts';

/**
 * The stores of one data folder, for this process alone (STATE_DIR_IN_USE). control.db keeps what must survive a power
 * cut; telemetry.db keeps heartbeats and counts by time (see ingest.ts). Every method that writes is one synchronous transaction.
 */
export function openStores(
  dataDir: string,
  { log, clock = Date.now, retention = RETENTION }: { log: Log; clock?: Clock; retention?: Retention },
): Stores & { close(): void } {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const unlock = lockFolder(dataDir);
  const closers = [unlock];
  const close = (): void => {
    for (const closer of closers.splice(0).reverse()) closer();
  };
  try {
    const control = openDatabase(join(dataDir, 'control.db'), 'control', 'FULL');
    closers.push(() => control.close());
    const telemetryPath = join(dataDir, 'telemetry.db');
    const telemetry = openDatabase(telemetryPath, 'telemetry', 'NORMAL');
    closers.push(() => telemetry.close());
    const reader = telemetryReader(telemetryPath);
    closers.push(() => void reader.close());
    return { ...storesOn(control, telemetry, { log, clock, retention, reader }), close };
  } catch (err) {
    close();
    throw err;
  }
}

/**
 * The stores on two open databases, wherever these are kept. Counts by time are read on the connection of `telemetry` itself
 * where no reader is given: a database in memory has no other.
 */
export function storesOn(
  control: Database,
  telemetry: Database,
  {
    log,
    clock,
    retention = RETENTION,
    reader = queriesOn(telemetry),
  }: { log: Log; clock: Clock; retention?: Retention; reader?: TelemetryReader },
): Stores {
  const heartbeats = telemetryRows(telemetry);
  const sums = rollUps(telemetry, retention);
  const db = controlDatabase(control, log);
  endConnections(db, clock());
  return {
    devices: deviceStore(db),
    reports: reportStore(db, telemetry, heartbeats, sums),
    telemetry: telemetryStore({ heartbeats, sums, reader, retention }),
    rings: ringStore(db),
    releases: releaseStore(db),
    rollouts: rolloutStore(db),
    assignments: assignmentStore(db),
    events: eventStore(db),
    audit: auditStore(db),
    tokens: tokenStore(db),
    trust: trustStore(db),
    people: peopleStore(db),
    sessions: sessionStore(db),
    identities: identityStore(db),
    pending: pendingStore(db),
    refusals: refusalStore(db),
    webhooks: webhookStore(db),
  };
}

function queriesOn(telemetry: Database): TelemetryReader {
  const queries = telemetryQueries(telemetry);
  return {
    byGroup: async (query) => queries.byGroup(query),
    ofDevice: async (query) => queries.ofDevice(query),
    byDevice: async (query) => queries.byDevice(query),
  };
}
