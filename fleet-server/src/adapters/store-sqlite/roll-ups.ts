import type { Telemetry } from '@ringfleet/shared/protocol';
import type { Database } from 'better-sqlite3';
import { bucketOf, type Retention, STEPS, type Step } from '../../core/telemetry/buckets.ts';
import { countsOf, type ModelCounts, plusCounts } from '../../core/telemetry/model-counts.ts';
import type { TelemetryGroup } from '../../ports/telemetry.ts';
import { DayTables, dayName } from './day-tables.ts';

export interface RollUps {
  /**
   * Adds heartbeats that are stored for the first time, inside the caller's transaction. Each counts in the buckets in
   * which it begins: what comes late lands in its own time. What is older than the finer grains are kept counts by the day.
   */
  add(beats: readonly { device: string; body: Telemetry; receivedAtMs: number }[]): void;
  setGroups(groups: ReadonlyMap<string, TelemetryGroup>): void;
  /** Takes a part of what is past its time away; false when there is nothing left to take. */
  dropSome(nowMs: number): boolean;
  /** To be called when the caller's transaction was rolled back. */
  forget(): void;
}

const DEVICE_COLUMNS = `device TEXT NOT NULL, model TEXT NOT NULL, digest TEXT NOT NULL, start_ms INTEGER NOT NULL,
  version TEXT NOT NULL, body TEXT NOT NULL`;
const DEVICE_KEY = ['UNIQUE (device, model, digest, start_ms)'];
const GROUP_COLUMNS = `model TEXT NOT NULL, digest TEXT NOT NULL, ring TEXT NOT NULL, site TEXT NOT NULL, hardware TEXT NOT NULL,
  start_ms INTEGER NOT NULL, version TEXT NOT NULL, body TEXT NOT NULL`;
const GROUP_KEY = ['UNIQUE (model, start_ms, digest, ring, site, hardware)'];

const NOWHERE: TelemetryGroup = { ring: '', site: '', hardware: '' };

export function rollUps(db: Database, retention: Retention): RollUps {
  const open = () => ({
    deviceHours: new DayTables(db, 'device_hours', DEVICE_COLUMNS, DEVICE_KEY),
    groupSlots: new DayTables(db, 'group_slots', GROUP_COLUMNS, GROUP_KEY),
    groupHours: new DayTables(db, 'group_hours', GROUP_COLUMNS, GROUP_KEY),
  });
  let tables = open();
  const deviceDays = sumsOfDevices((sql) => db.prepare(sql.replaceAll('TABLE', 'device_days')));
  const groupDays = sumsOfGroups((sql) => db.prepare(sql.replaceAll('TABLE', 'group_days')));
  const group = db.prepare<[string], TelemetryGroup>(
    'SELECT ring, site, hardware FROM device_groups WHERE device = ?',
  );
  const setGroup = db.prepare(
    `INSERT INTO device_groups (device, ring, site, hardware) VALUES (?, ?, ?, ?) ON CONFLICT (device) DO UPDATE
     SET ring = excluded.ring, site = excluded.site, hardware = excluded.hardware
     WHERE (ring, site, hardware) <> (excluded.ring, excluded.site, excluded.hardware)`,
  );
  const oldDays = (table: string) =>
    db.prepare(
      `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE start_ms < ? ORDER BY start_ms LIMIT 2000)`,
    );
  const [dropDeviceDays, dropGroupDays] = [oldDays('device_days'), oldDays('group_days')];

  function inDay(table: DayTables, day: string, make: typeof sumsOfDevices | typeof sumsOfGroups): Sums {
    table.open(day);
    return make((sql) => table.on(day, sql));
  }

  return {
    add(beats) {
      const pending = new Map<string, Pending>();
      const put = (sums: () => Sums, place: string, key: readonly (string | number)[], counted: Counted) => {
        const name = `${place} ${key.join(' ')}`;
        const known = pending.get(name);
        const counts = known ? plusCounts(known.counts, counted.counts) : counted.counts;
        pending.set(name, { sums: known?.sums ?? sums(), key, version: counted.version, counts });
      };
      for (const { device, body, receivedAtMs } of beats) {
        const { ring, site, hardware } = group.get(device) ?? NOWHERE;
        const beginMs = beginOf(body, receivedAtMs, retention);
        const start = (step: Step): number => bucketOf(beginMs, step);
        const day = dayName(beginMs);
        const isWithin = (days: number): boolean => beginMs > receivedAtMs - days * STEPS.day;
        for (const model of body.models) {
          if (!model.running) continue;
          const { digest, version } = model.running;
          const counted = { version, counts: countsOf(model) };
          const ofDevice = (at: number) => [device, model.model, digest, at];
          const ofGroup = (at: number) => [model.model, at, digest, ring, site, hardware];
          put(() => deviceDays, 'dd', ofDevice(start('day')), counted);
          put(() => groupDays, 'gd', ofGroup(start('day')), counted);
          if (isWithin(retention.hourDays)) {
            const { deviceHours, groupHours } = tables;
            put(() => inDay(deviceHours, day, sumsOfDevices), 'dh', ofDevice(start('hour')), counted);
            put(() => inDay(groupHours, day, sumsOfGroups), 'gh', ofGroup(start('hour')), counted);
          }
          if (isWithin(retention.slotDays)) {
            put(() => inDay(tables.groupSlots, day, sumsOfGroups), 'gs', ofGroup(start('slot')), counted);
          }
        }
      }
      for (const { sums, key, version, counts } of pending.values()) sums.add(key, version, counts);
    },
    setGroups(groups) {
      db.transaction(() => {
        for (const [device, { ring, site, hardware }] of groups) setGroup.run(device, ring, site, hardware);
      }).immediate();
    },
    dropSome(nowMs) {
      const before = (days: number): number => bucketOf(nowMs, 'day') - days * STEPS.day;
      const yearAgo = before(retention.dayDays);
      return (
        tables.groupSlots.dropSome(dayName(before(retention.slotDays))) ||
        tables.groupHours.dropSome(dayName(before(retention.hourDays))) ||
        tables.deviceHours.dropSome(dayName(before(retention.hourDays))) ||
        dropDeviceDays.run(yearAgo).changes > 0 ||
        dropGroupDays.run(yearAgo).changes > 0
      );
    },
    forget() {
      tables = open();
    },
  };
}

/** A device that did not know the time (1970, the future, an end before the begin) counts when it was heard. */
function beginOf({ from, to }: Telemetry, receivedAtMs: number, { dayDays }: Retention): number {
  const isPlausible =
    from <= to && from <= receivedAtMs + STEPS.hour && from > receivedAtMs - dayDays * STEPS.day;
  return isPlausible ? from : receivedAtMs;
}

interface Counted {
  readonly version: string;
  readonly counts: ModelCounts;
}
interface Pending extends Counted {
  readonly sums: Sums;
  readonly key: readonly (string | number)[];
}
/** Adds to the row of a key, or makes it. */
interface Sums {
  add(key: readonly (string | number)[], version: string, counts: ModelCounts): void;
}
interface AnyStatement {
  get(...values: unknown[]): unknown;
  run(...values: unknown[]): unknown;
}

const sumsOfDevices = (on: (sql: string) => AnyStatement): Sums =>
  sumsBy(on, ['device', 'model', 'digest', 'start_ms']);
const sumsOfGroups = (on: (sql: string) => AnyStatement): Sums =>
  sumsBy(on, ['model', 'start_ms', 'digest', 'ring', 'site', 'hardware']);

function sumsBy(on: (sql: string) => AnyStatement, key: readonly string[]): Sums {
  const where = key.map((column) => `${column} = ?`).join(' AND ');
  const select = on(`SELECT rowid, body FROM TABLE WHERE ${where}`);
  const insert = on(
    `INSERT INTO TABLE (${key.join(', ')}, version, body) VALUES (${key.map(() => '?').join(', ')}, ?, ?)`,
  );
  const update = on('UPDATE TABLE SET body = ? WHERE rowid = ?');
  return {
    add(values, version, counts) {
      const known = select.get(...values) as { rowid: number; body: string } | undefined;
      if (!known) insert.run(...values, version, JSON.stringify(counts));
      else {
        const sum = plusCounts(JSON.parse(known.body) as ModelCounts, counts);
        update.run(JSON.stringify(sum), known.rowid);
      }
    },
  };
}
