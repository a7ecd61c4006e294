import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ack, Envelope, Telemetry } from '@ringfleet/shared/protocol';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { emptyState } from '../core/update-state.ts';
import type { Opened } from '../ports/journal.ts';
import { JournalClient } from './journal-client.ts';

let dir: string;
const open: JournalClient[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-journal-'));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
  rmSync(dir, { recursive: true, force: true });
});

async function journal(
  maxOutboxBytes = 1e6,
  stateDir = dir,
): Promise<{ client: JournalClient; opened: Opened }> {
  const both = await JournalClient.open({ stateDir, maxOutboxBytes, fleet: 'lab', device: 'd-1' });
  open.push(both.client);
  return both;
}
const event = (n: number) =>
  ({
    stream: 'event',
    body: { kind: 'lifecycle', severity: 'info', code: 'AGENT_STARTED', message: `n ${n}` },
  }) as const;
const telemetry = (from: number): Telemetry => ({
  from,
  to: from + 10,
  device: { uptimeMs: 0, rssBytes: 0, cpuMs: 0, memoryFreeBytes: 0, diskFreeBytes: 0, load1: 0 },
  outbox: { rows: 0, bytes: 0, dropped: 0 },
  models: [],
});
const all = { maxRows: 100, maxBytes: 1e6 };
const ackOf = (one: Envelope, quarantined: Ack['quarantined'] = []): Ack => ({
  v: 1,
  journal: one.id.journal,
  start: one.id.start,
  stream: one.id.stream,
  storedUpTo: one.id.seq,
  quarantined,
});
const key = (one: Envelope): string => `${one.id.start}/${one.id.stream}/${one.id.seq}`;

function ledger(
  stateDir = dir,
): { stream: string; start: number | null; seq: number | null; outcome: string | null }[] {
  const db = new Sqlite(join(stateDir, 'control.db'), { readonly: true });
  try {
    return db.prepare('SELECT stream, start, seq, outcome FROM report_ledger ORDER BY id').all() as never;
  } finally {
    db.close();
  }
}

it('keeps its name, counts its starts and knows a clean end from a crash', async () => {
  const first = await journal();
  expect(first.opened).toMatchObject({ start: 1, lastEnd: 'clean' });
  await first.client.close();
  const second = await journal();
  expect(second.opened).toMatchObject({ start: 2, lastEnd: 'clean', journal: first.opened.journal });
  // A copy of the files as they are now is what a power cut leaves.
  const copy = mkdtempSync(join(tmpdir(), 'rf-journal-'));
  for (const name of ['control.db', 'control.db-wal', 'tele.db', 'tele.db-wal'])
    copyFileSync(join(dir, name), join(copy, name));
  const third = await journal(1e6, copy);
  expect(third.opened).toMatchObject({ start: 3, lastEnd: 'crash' });
  rmSync(copy, { recursive: true, force: true });
});

it('refuses a second agent on the same folder', async () => {
  await journal();
  await expect(journal()).rejects.toMatchObject({ code: 'STATE_DIR_IN_USE' });
});

it('saves state and reports together and gives them back after a restart', async () => {
  const { client } = await journal();
  const state = emptyState('tiny', 5);
  await client.save({ atMs: 6, state, reports: [event(1)], floor: { model: 'tiny', floor: 2 } });
  await client.close();
  const again = await journal();
  expect(again.opened.machines).toEqual([state]);
  expect(await again.client.window(all)).toMatchObject([{ at: 6, body: event(1).body }]);
});

it('sends a report under the same number again, across restarts too', async () => {
  const { client } = await journal();
  await client.save({ atMs: 1, reports: [event(1), event(2)] });
  await client.writeTelemetry(2, telemetry(0));
  const sent = await client.window(all);
  expect(sent.map(key)).toEqual(['1/event/1', '1/event/2', '1/tele/1']);
  expect(await client.window(all)).toEqual(sent);
  await client.close();
  const { client: next } = await journal();
  await next.save({ atMs: 3, reports: [event(3)] });
  expect((await next.window(all)).map(key)).toEqual(['1/event/1', '1/event/2', '2/event/1', '1/tele/1']);
});

it('forgets what the server stored or quarantined, and nothing else', async () => {
  const { client } = await journal();
  await client.save({ atMs: 1, reports: [event(1), event(2), event(3), event(4)] });
  const sent = await client.window(all);
  expect(await client.acknowledge(ackOf(sent[0] as Envelope, [{ seq: 3, code: 'MESSAGE_INVALID' }]), 9)).toBe(
    2,
  );
  expect((await client.window(all)).map(key)).toEqual(['1/event/2', '1/event/4']);
  const foreign = { ...ackOf(sent[3] as Envelope), journal: '0'.repeat(8) };
  expect(await client.acknowledge(foreign, 9)).toBe(0);
  expect(await client.oldest()).toEqual({ state: 1, event: 2, tele: 1 });
  expect(ledger().map((one) => one.outcome)).toEqual(['stored', null, 'quarantined', null]);
});

it('writes telemetry that can be sent at once to one file, with its number, and what became of it with the next', async () => {
  const { client } = await journal();
  const rowsOf = (name: string): number => {
    const db = new Sqlite(join(dir, name), { readonly: true });
    const { rows } = db.prepare('SELECT COUNT(*) AS rows FROM outbox').get() as { rows: number };
    db.close();
    return rows;
  };
  await client.writeTelemetry(2, telemetry(0), true);
  expect([rowsOf('control.db'), rowsOf('tele.db')]).toEqual([1, 0]);
  const [first] = await client.window(all);
  expect(key(first as Envelope)).toBe('1/tele/1');
  expect(await client.acknowledge(ackOf(first as Envelope), 3)).toBe(1);
  expect([await client.window(all), await client.stats()]).toEqual([[], { rows: 0, bytes: 0, dropped: 0 }]);
  await client.writeTelemetry(4, telemetry(10), true);
  expect((await client.window(all)).map(key)).toEqual(['1/tele/2']);
  expect(rowsOf('control.db')).toBe(1);
  expect(ledger().map((one) => one.outcome)).toEqual(['stored', null]);
  expect(await client.oldest()).toMatchObject({ tele: 2 });
});

it('sends it again under its number when a power cut took the note that the server has it', async () => {
  const { client } = await journal();
  await client.writeTelemetry(2, telemetry(0), true);
  const [sent] = await client.window(all);
  await client.acknowledge(ackOf(sent as Envelope), 3);
  const copy = mkdtempSync(join(tmpdir(), 'rf-journal-'));
  for (const name of ['control.db', 'control.db-wal', 'tele.db', 'tele.db-wal'])
    copyFileSync(join(dir, name), join(copy, name));
  const { client: next } = await journal(1e6, copy);
  expect(await next.window(all)).toEqual([sent]);
  expect(await next.acknowledge(ackOf(sent as Envelope), 4)).toBe(1);
  await next.close();
  expect(ledger(copy)).toEqual([{ stream: 'tele', start: 1, seq: 1, outcome: 'stored' }]);
  rmSync(copy, { recursive: true, force: true });
});

it('does not let telemetry that can be sent at once pass what waits', async () => {
  const { client } = await journal();
  await client.writeTelemetry(1, telemetry(0));
  await client.writeTelemetry(2, telemetry(10), true);
  const sent = await client.window(all);
  expect(sent.map((one) => [key(one), one.at])).toEqual([
    ['1/tele/1', 1],
    ['1/tele/2', 2],
  ]);
});

it('keeps a number that a power cut took out of the telemetry file', async () => {
  const { client } = await journal();
  await client.writeTelemetry(2, telemetry(0));
  await client.window(all);
  await client.close();
  const tele = new Sqlite(join(dir, 'tele.db'));
  tele.exec('UPDATE outbox SET start = NULL, seq = NULL');
  tele.close();
  const { client: next } = await journal();
  expect((await next.window(all)).map(key)).toEqual(['1/tele/1']);
});

it('sends states and events under the numbers they were written with, whatever the journal has lost since', async () => {
  const { client } = await journal();
  await client.save({ atMs: 1, reports: [event(1), event(2)] });
  const files = ['control.db', 'control.db-wal'];
  for (const name of files) copyFileSync(join(dir, name), join(dir, `${name}.old`));
  const sent = (await client.window(all)).map(key);
  await client.acknowledge(ackOf((await client.window(all))[1] as Envelope), 3);
  await client.close();
  for (const name of files) copyFileSync(join(dir, `${name}.old`), join(dir, name));
  const { client: next } = await journal();
  expect((await next.window(all)).map(key)).toEqual(sent);
});

it('gives telemetry the number again that the ledger has for it', async () => {
  const { client } = await journal();
  await client.writeTelemetry(2, telemetry(0));
  const control = new Sqlite(join(dir, 'control.db'));
  const tele = new Sqlite(join(dir, 'tele.db'), { readonly: true });
  const rowKey = tele.prepare('SELECT row_key FROM outbox').pluck().get();
  tele.close();
  // What a disk leaves that fails after the one file and before the other.
  control
    .prepare(
      `INSERT INTO report_ledger (row_key, journal, stream, start, seq, sha256, written_at) VALUES (?, '', 'tele', 1, 1, '', 0)`,
    )
    .run(rowKey);
  control.exec("INSERT INTO sequences (stream, start, last) VALUES ('tele', 1, 1)");
  control.close();
  expect((await client.window(all)).map(key)).toEqual(['1/tele/1']);
});

it('does not bring back telemetry whose removal a power cut undid', async () => {
  const { client } = await journal();
  await client.writeTelemetry(2, telemetry(0));
  const [sent] = await client.window(all);
  copyFileSync(join(dir, 'tele.db'), join(dir, 'old.db'));
  copyFileSync(join(dir, 'tele.db-wal'), join(dir, 'old.db-wal'));
  await client.acknowledge(ackOf(sent as Envelope), 3);
  await client.close();
  copyFileSync(join(dir, 'old.db'), join(dir, 'tele.db'));
  copyFileSync(join(dir, 'old.db-wal'), join(dir, 'tele.db-wal'));
  const { client: next } = await journal();
  expect(await next.window(all)).toEqual([]);
  expect(ledger()).toMatchObject([{ outcome: 'stored' }]);
});

it('merges unsent telemetry when it is full, and never gives up an event', async () => {
  const { client } = await journal(2_000);
  for (let i = 0; i < 5; i += 1) await client.save({ atMs: i, reports: [event(i)] });
  for (let i = 0; i < 30; i += 1) await client.writeTelemetry(i, telemetry(i * 10));
  const stats = await client.stats();
  expect(stats.bytes).toBeLessThanOrEqual(2_000);
  const rows = await client.window(all);
  expect(rows.filter((one) => one.id.stream === 'event')).toHaveLength(5);
  const windows = rows.filter((one) => one.id.stream === 'tele').map((one) => one.body as Telemetry);
  expect(windows[0]).toMatchObject({ from: 0 });
  expect(windows.at(-1)).toMatchObject({ to: 300 });
  // What was merged was never a report: the ledger knows what was sent.
  expect(ledger().filter((one) => one.stream === 'tele').length).toBe(windows.length);
});

it('leaves a tombstone for a numbered report that had to go', async () => {
  const { client } = await journal(560);
  await client.writeTelemetry(0, telemetry(0));
  await client.window(all);
  await client.save({ atMs: 1, reports: [event(1), event(2), event(3), event(4), event(5), event(6)] });
  await client.writeTelemetry(1, telemetry(10));
  const rows = await client.window(all);
  expect(rows.find((one) => key(one) === '1/tele/1')?.body).toMatchObject({ tombstone: {} });
  expect((await client.stats()).dropped).toBe(2);
});

it('hashes files and says when one is missing', async () => {
  const { client } = await journal();
  expect(await client.sha256OfFile(join(dir, 'nothing'))).toBeNull();
  expect(await client.sha256OfFile(join(dir, 'agent.lock'))).toMatch(/^[0-9a-f]{64}$/);
});
