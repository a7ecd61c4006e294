import { createHash } from 'node:crypto';
import { CodedError, type ErrorCode } from '@ringfleet/shared/errors';
import type { Ack, Envelope, Hello } from '@ringfleet/shared/protocol';
import type { Statement } from 'better-sqlite3';
import type { Device } from '../../core/domain.ts';
import type { ReleasedAs } from '../../core/telemetry/heartbeat-fault.ts';
import type { ControlDatabase, Tx } from './control-database.ts';
import { type KnownModels, knownModels, type Origin } from './known-models.ts';
import { cloneAlarm, lostReports } from './report-events.ts';
import { type ReportHeads, reportHeads, type Sequence } from './report-heads.ts';
import type { ReportRows } from './report-rows.ts';
import type { ReportTallies } from './report-tallies.ts';
import { type Verdict, verdictOn } from './report-verdict.ts';
import type { NewRow } from './telemetry-rows.ts';
import type { TelemetryWriter } from './telemetry-writer.ts';

/** Clocks of devices that are right differ by no more from ours. */
const MAX_SKEW_MS = 60_000;

interface Item extends NewRow {
  readonly verdict: Verdict;
}

interface Sender {
  readonly device: string;
  readonly journal: string | null;
  readonly start: number | null;
  readonly oldest: Hello['oldest'] | null;
}

type Taken = Exclude<Verdict, { is: 'bad' }>;

export interface IngestParts {
  readonly rows: ReportRows;
  readonly telemetry: TelemetryWriter;
  readonly tallies: ReportTallies;
  readonly releasedAs: ReleasedAs;
}

interface Parts extends IngestParts {
  readonly heads: ReportHeads;
  readonly models: KnownModels;
  readonly accepted: Statement<[number, string]>;
  /** Heartbeats of these batches that were passed to the writer: the hash that their key had before. */
  readonly written: ReadonlyMap<Item, Buffer | null>;
}

/** What one device sent at once. */
export interface Batch {
  readonly device: string;
  readonly envelopes: readonly Envelope[];
  readonly receivedAtMs: number;
}

/**
 * Takes in batches of several devices at once, all or none. Throws DEVICE_UNKNOWN, DEVICE_REVOKED.
 *
 * Two files, two commits, in this order: heartbeats as raw rows, with the counts by time, into telemetry.db, then everything an acknowledgement stands
 * for (which numbers are settled, state and event rows, models, sums, events) into control.db. The second commit is the
 * one that counts: whoever dies between the two has acknowledged nothing, the device sends again, and the raw row that is
 * already there is found under its key. With FULL on control.db an acknowledged transition or event survives a power cut;
 * of heartbeats a power cut can take the raw rows of the last moments (NORMAL), never the sums made of them.
 */
export function ingester(db: ControlDatabase, given: IngestParts) {
  const { telemetry, releasedAs } = given;
  const accepted = db.prepare<[number, string]>(
    'UPDATE devices SET accepted_generation = max(accepted_generation, ?) WHERE id = ?',
  );
  const heads = reportHeads(db);
  const models = knownModels(db);
  const sender = db.prepare<
    [string],
    { status: Device['status']; journal: string | null; start: number | null; oldest: string | null }
  >('SELECT status, journal, start, oldest FROM devices WHERE id = ?');
  const seen = db.prepare('UPDATE devices SET last_seen_at_ms = ? WHERE id = ?');

  const known = (device: string) => {
    const row = sender.get(device);
    if (!row) throw new CodedError('DEVICE_UNKNOWN', `no device ${device} is enrolled`);
    if (row.status === 'revoked' || row.status === 'decommissioned') {
      throw new CodedError('DEVICE_REVOKED', `${device} is ${row.status}: its reports are not taken`);
    }
    return { ...row, device, oldest: row.oldest ? (JSON.parse(row.oldest) as Hello['oldest']) : null };
  };

  return (batches: readonly Batch[]): readonly (readonly Ack[])[] => {
    const taken = batches.map(({ device, envelopes, receivedAtMs }) => ({
      from: known(device),
      items: envelopes.map((envelope) => itemOf(envelope, receivedAtMs, releasedAs)),
      receivedAtMs,
    }));
    const fresh = taken.flatMap(({ from: { device }, items }) =>
      items
        .filter(({ id, verdict }) => id.stream === 'tele' && verdict.is !== 'bad')
        .filter((item) => !heads.isSettled(device, item.id))
        .map((row) => ({ device, row, body: row.verdict.is === 'tele' ? row.verdict.counted : null })),
    );
    const before = telemetry.insert(fresh);
    const written = new Map(fresh.map(({ row }, i) => [row, before[i] ?? null]));
    const parts: Parts = { ...given, heads, models, accepted, written };
    return db.write((tx) =>
      taken.map(({ from, items, receivedAtMs }) => {
        seen.run(receivedAtMs, from.device);
        return bySequence(items).map((group) => takeSequence(parts, tx, from, group));
      }),
    );
  };
}

function takeSequence(parts: Parts, tx: Tx, from: Sender, items: readonly Item[]): Ack {
  const { journal, start, stream } = (items[0] as Item).id;
  const sequence = { journal, start, stream };
  const head = parts.heads.open(from.device, sequence, baseOf(from, sequence, items));
  if (head.lost) {
    const atMs = items[0]?.receivedAtMs ?? 0;
    const lost = lostReports(from.device, stream, head.lost);
    tx.event(lost, atMs);
    parts.tallies.add({
      device: from.device,
      code: 'REPORTS_LOST',
      count: head.lost,
      atMs,
      reason: lost.sentence,
    });
  }
  let { storedUpTo } = head;
  const quarantined: Ack['quarantined'] = [];
  for (const item of items) {
    const code = takeOne(parts, tx, from, item);
    if (code !== null) quarantined.push({ seq: item.id.seq, code });
    if (!parts.heads.isSettled(from.device, item.id)) {
      storedUpTo = parts.heads.settle(from.device, item.id).storedUpTo;
    }
  }
  return { v: 1, ...sequence, storedUpTo, quarantined };
}

/** Stores one report, or keeps it aside and answers the code. */
function takeOne(parts: Parts, tx: Tx, from: Sender, item: Item): string | null {
  const { rows, heads, models, accepted } = parts;
  const { device } = from;
  const { id, verdict } = item;
  const known = knownHash(parts, device, item);
  const isSettled = heads.isSettled(device, id);
  const before = isSettled ? rows.quarantinedAs(device, id, item.sha256) : null;
  if (before !== null) return before;
  // A tombstone may take the place of a row whose acknowledgement got lost; what is stored stays.
  const isOther = known !== null && !known.equals(item.sha256) && verdict.is !== 'tombstone';
  const isTaken = isOther || (known === null && isSettled && rows.isQuarantined(device, id));
  if (isTaken) {
    const isNew = keepAside(
      parts,
      device,
      item,
      'REPORT_CONFLICT',
      'another report is stored under this key',
    );
    if (isNew) tx.event(cloneAlarm(device, { ...id }), item.receivedAtMs);
    return 'REPORT_CONFLICT';
  }
  if (isSettled) return null;
  if (verdict.is === 'bad') {
    keepAside(parts, device, item, verdict.code, verdict.reason);
    return verdict.code;
  }
  if (id.stream !== 'tele') rows.insert(device, item);
  note(parts, device, item, verdict);
  apply(models, tx, verdict, {
    device,
    written: { journal: id.journal, start: id.start, seq: id.seq, atMs: believableAt(item) },
    currentJournal: from.journal,
    receivedAtMs: item.receivedAtMs,
  });
  if (verdict.is === 'state' && id.journal === from.journal) accepted.run(verdict.body.generation, device);
  return null;
}

/** One look at the heartbeat's key: the writer's, unless it was not asked to store this one. */
function knownHash({ rows, telemetry, written }: Parts, device: string, item: Item): Buffer | null {
  if (item.id.stream !== 'tele') return rows.sha256(device, item.id);
  const before = written.get(item);
  return before === undefined ? telemetry.sha256(device, item.id) : before;
}

/** False when exactly this was kept aside before. */
function keepAside(
  { rows, tallies }: Parts,
  device: string,
  item: Item,
  code: ErrorCode,
  reason: string,
): boolean {
  const isNew = rows.quarantine(device, item, code, reason);
  if (isNew) tallies.add({ device, code, count: 1, atMs: item.receivedAtMs, reason });
  return isNew;
}

/** What is not as it should be in a report that is stored. */
function note({ tallies }: Parts, device: string, { receivedAtMs: atMs }: Item, verdict: Taken): void {
  const add = (code: ErrorCode, reason: string): void =>
    tallies.add({ device, code, count: 1, atMs, reason });
  if (verdict.is === 'tombstone') add('REPORT_DROPPED', verdict.reason);
  if (verdict.is === 'tele' && verdict.strangers.length > 0) {
    add('REPORT_RELEASE_UNKNOWN', verdict.strangers.join(', '));
  }
}

function apply(models: KnownModels, tx: Tx, taken: Taken, origin: Origin): void {
  switch (taken.is) {
    case 'state':
      models.state(tx, origin, taken.body);
      break;
    case 'tele':
      models.tele(tx, origin, taken.body);
      break;
    case 'event':
      models.event(tx, origin, taken.body);
      break;
    case 'tombstone':
      break;
  }
}

/**
 * A clock that ran ahead when a commit was written would keep every heartbeat of the mended clock from proving it, until the
 * time has caught up.
 */
const believableAt = ({ atMs, receivedAtMs }: Item): number =>
  atMs > receivedAtMs + MAX_SKEW_MS ? receivedAtMs : atMs;

/**
 * Numbers begin at 1 in every start. A higher begin needs the device's word (hello: the oldest row it still keeps), or an
 * earlier start, whose rest comes in order; and never skips a number that is in this batch.
 */
function baseOf(from: Sender, { journal, start, stream }: Sequence, items: readonly Item[]): number {
  if (from.journal !== journal || from.start === null || start > from.start) return 1;
  const first = items.reduce((least, item) => Math.min(least, item.id.seq), Number.MAX_SAFE_INTEGER);
  return Math.max(1, start === from.start ? Math.min(from.oldest?.[stream] ?? 1, first) : first);
}

function itemOf(envelope: Envelope, receivedAtMs: number, releasedAs: ReleasedAs): Item {
  const body = JSON.stringify(envelope.body) ?? 'null';
  const sha256 = createHash('sha256').update(`${envelope.at}\n`).update(body).digest();
  return {
    id: envelope.id,
    atMs: envelope.at,
    receivedAtMs,
    sha256,
    body,
    verdict: verdictOn(envelope, receivedAtMs, releasedAs),
  };
}

function bySequence(items: readonly Item[]): readonly (readonly Item[])[] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = `${item.id.journal}/${item.id.start}/${item.id.stream}`;
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()];
}
