import { CodedError } from '@ringfleet/shared/errors';
import type { Hello } from '@ringfleet/shared/protocol';
import type { Device } from '../../core/domain.ts';
import type { Change, DeviceStore } from '../../ports/stores.ts';
import { connectionWriter, VIA } from './connection-writer.ts';
import type { ControlDatabase, Tx } from './control-database.ts';
import { deviceEvent } from './device-event.ts';
import { gather } from './gather.ts';
import { type KnownModel, toDeviceModel } from './known-model.ts';
import { afterKey, pageOf } from './page.ts';
import { reportHeads } from './report-heads.ts';
import { tokenDesk } from './token-admission.ts';

export interface DeviceRow {
  id: string;
  labels: string;
  capabilities: string | null;
  status: Device['status'];
  is_connected: number;
  enrolled_at_ms: number;
  last_seen_at_ms: number | null;
  accepted_generation: number;
  journal: string | null;
  start: number | null;
  instance: string | null;
  refused_instance: string | null;
  hold: string | null;
}

/** An instance without a connection still counts as alive for this long: it may be polling over HTTP. */
const ALIVE_MS = 15_000;

interface Greeting {
  readonly id: string;
  readonly hello: Hello;
  readonly atMs: number;
  readonly isRivalAlive: boolean;
}

export function deviceStore(db: ControlDatabase): DeviceStore {
  const byId = db.prepare<[string], DeviceRow>('SELECT * FROM devices WHERE id = ?');
  const insert = db.prepare(
    `INSERT INTO devices (id, labels, capabilities, status, is_connected, enrolled_at_ms, accepted_generation)
     VALUES (?, ?, ?, 'active', 0, ?, 0)`,
  );
  const insertCertificate = db.prepare(
    'INSERT INTO certificates (serial, device, not_after_ms) VALUES (?, ?, ?)',
  );
  const certificate = db.prepare<[string, string], { ok: number }>(
    `SELECT 1 AS ok FROM certificates c JOIN devices d ON d.id = c.device
     WHERE c.serial = ? AND c.device = ? AND c.revoked_at_ms IS NULL AND d.status NOT IN ('revoked', 'decommissioned')`,
  );
  const listed = db.prepare<[string, string, number], DeviceRow>(
    `SELECT * FROM devices WHERE id > ? AND (id || ' ' || labels) LIKE ? ESCAPE '\\' ORDER BY id LIMIT ?`,
  );
  const present = db.prepare<[], DeviceRow>(
    `SELECT * FROM devices WHERE status NOT IN ('revoked', 'decommissioned') ORDER BY id`,
  );
  const setLabels = db.prepare('UPDATE devices SET labels = ? WHERE id = ?');
  const setHold = db.prepare('UPDATE devices SET hold = ? WHERE id = ?');
  const modelsOf = db.prepare<[string], { device: string; known: string }>(
    'SELECT device, known FROM device_models WHERE device = ? ORDER BY model',
  );
  const allModels = db.prepare<[], { device: string; known: string }>(
    'SELECT device, known FROM device_models ORDER BY device, model',
  );
  const desk = tokenDesk(db);
  const takeOver = boardReplacer(db);
  const writeHello = helloRow(db);
  const acceptHello = helloWriter(db, writeHello);

  function existing(id: string): DeviceRow {
    const row = byId.get(id);
    if (!row) throw new CodedError('DEVICE_UNKNOWN', `no device ${id} is enrolled`);
    return row;
  }

  const connection = connectionWriter(db);
  // As many as come in one turn are one commit.
  const greeting = gather((all: readonly Greeting[]) =>
    db.write((tx) =>
      all.map(({ id, hello, atMs, isRivalAlive }) =>
        acceptHello(tx, existing(id), hello, atMs, isRivalAlive),
      ),
    ),
  );

  return {
    async enroll(request, change) {
      return db.write((tx) => {
        const { labels, device } = desk.admit(request.secretHash, change.atMs);
        if (device !== null && device !== request.id) throw new CodedError('TOKEN_BOUND');
        const capabilities = request.capabilities ? JSON.stringify(request.capabilities) : null;
        if (byId.get(request.id)) {
          if (device === null)
            throw new CodedError('DEVICE_EXISTS', `device ${request.id} is enrolled already`);
          takeOver(tx, { ...request, capabilities }, change);
          return toDevice(existing(request.id));
        }
        insert.run(request.id, JSON.stringify(labels), capabilities, change.atMs);
        insertCertificate.run(request.certSerial, request.id, request.notAfterMs);
        tx.audit(change, 'device.enroll', request.id, { labels, certSerial: request.certSerial });
        tx.event(deviceEvent('DEVICE_ENROLLED', request.id, `${request.id} was enrolled.`), change.atMs);
        return toDevice(existing(request.id));
      });
    },
    async get(id) {
      const row = byId.get(id);
      return row ? toDevice(row) : null;
    },
    async list(query) {
      // Ring membership is computed from selectors in the core; `ring` is filtered there, over `all()`.
      const rows = listed.all(afterKey(query, ''), likePattern(query.search), query.limit + 1);
      return pageOf(rows, query, (row) => row.id, toDevice);
    },
    async all() {
      return present.all().map(toDevice);
    },
    async setLabels(id, labels, change) {
      return db.write((tx) => {
        const before = toDevice(existing(id));
        setLabels.run(JSON.stringify(labels), id);
        tx.audit(change, 'device.label', id, { before: before.labels, after: labels });
        tx.event(deviceEvent('DEVICE_LABELED', id, `${id} has new labels.`, { labels }), change.atMs);
        return toDevice(existing(id));
      });
    },
    async setHold(id, hold, change) {
      return db.write((tx) => {
        const before = toDevice(existing(id)).hold ?? null;
        if (before?.reason === hold?.reason) return toDevice(existing(id));
        setHold.run(hold ? JSON.stringify(hold) : null, id);
        tx.audit(change, hold ? 'device.hold' : 'device.release', id, { before, after: hold });
        const [code, sentence] = hold
          ? ['DEVICE_HELD', `${hold.by} holds ${id}: ${hold.reason}`]
          : ['DEVICE_RELEASED', `Updates of ${id} go on.`];
        tx.event(deviceEvent(code, id, sentence), change.atMs);
        return toDevice(existing(id));
      });
    },
    setConnected: (id, isConnected, atMs, via = 'mqtt') => connection({ id, isConnected, atMs, via }),
    hello: (id, hello, atMs, isRivalAlive = false) => greeting({ id, hello, atMs, isRivalAlive }),
    async carriedHello(id, hello, atMs) {
      return db.write(() => {
        if (isOlder(existing(id), hello)) return 'older';
        writeHello(id, hello, atMs);
        return 'stored';
      });
    },
    async isCertificateValid(id, serial) {
      return certificate.get(serial, id) !== undefined;
    },
    async models(device) {
      const rows = device === undefined ? allModels.all() : modelsOf.all(device);
      return rows.map((row) => toDeviceModel(row.device, JSON.parse(row.known) as KnownModel));
    },
  };
}

/** A new board under a known identity: what the old one was and ran is past, its certificates are revoked. */
function boardReplacer(db: ControlDatabase) {
  const renew = db.prepare(
    `UPDATE devices SET status = 'active', capabilities = ?, journal = NULL, start = NULL, instance = NULL, oldest = NULL,
       refused_instance = NULL, accepted_generation = 0 WHERE id = ?`,
  );
  const revoke = db.prepare(
    'UPDATE certificates SET revoked_at_ms = ? WHERE device = ? AND revoked_at_ms IS NULL',
  );
  const insert = db.prepare('INSERT INTO certificates (serial, device, not_after_ms) VALUES (?, ?, ?)');
  const forgetModels = db.prepare('DELETE FROM device_models WHERE device = ?');
  return (
    tx: Tx,
    board: { id: string; certSerial: string; notAfterMs: number; capabilities: string | null },
    change: Change,
  ): void => {
    const { id, certSerial, notAfterMs, capabilities } = board;
    renew.run(capabilities, id);
    revoke.run(change.atMs, id);
    insert.run(certSerial, id, notAfterMs);
    forgetModels.run(id);
    tx.audit(change, 'device.takeOver', id, { certSerial });
    tx.event(
      deviceEvent('DEVICE_REPLACED', id, `A new board has taken over ${id}.`, { certSerial }),
      change.atMs,
    );
  };
}

type WriteHello = (id: string, hello: Hello, atMs: number) => void;

function helloRow(db: ControlDatabase): WriteHello {
  const write = db.prepare(
    `UPDATE devices SET capabilities = ?, accepted_generation = ?, journal = ?, start = ?, instance = ?, oldest = ?,
       last_seen_at_ms = ? WHERE id = ?`,
  );
  return (id, hello, atMs) => {
    const { capabilities, generation, journal, start, instance, oldest } = hello;
    const kept = [JSON.stringify(capabilities), generation, journal, start, instance, JSON.stringify(oldest)];
    write.run(...kept, atMs, id);
  };
}

function helloWriter(db: ControlDatabase, writeHello: WriteHello) {
  const refuse = db.prepare(`UPDATE devices SET status = 'cloned', refused_instance = ? WHERE id = ?`);
  const askAgain = stateAsker(db);
  return (tx: Tx, row: DeviceRow, hello: Hello, atMs: number, isRivalAlive: boolean): 'ok' | 'clone' => {
    if (isRivalAlive || isClone(row, hello, atMs)) {
      if (row.refused_instance !== hello.instance) {
        refuse.run(hello.instance, row.id);
        const sentence = `A second running agent claims to be ${row.id}; it was refused.`;
        const data = {
          instance: row.instance,
          refused: hello.instance,
          hostname: hello.capabilities.hostname,
        };
        tx.event({ ...deviceEvent('CLONED_DEVICE', row.id, sentence, data), kind: 'alert' }, atMs);
      }
      return 'clone';
    }
    writeHello(row.id, hello, atMs);
    askAgain(tx, row.id, hello, atMs);
    return 'ok';
  };
}

/**
 * A device that was told that its state is stored, which is not here, met this server before it was restored from a backup. It
 * answers every new generation with its state, so it is believed to be one ahead, and the next assignment is new to it. It is
 * asked once for each report that is missing: it says hello again before its answer is stored, and would be asked for ever.
 */
function stateAsker(db: ControlDatabase) {
  const { isSettled } = reportHeads(db);
  const raise = db.prepare(
    `UPDATE devices SET asked_about = @about, asked_generation = 1 + max(accepted_generation,
       coalesce((SELECT generation FROM assignments WHERE device = id), 0))
     WHERE id = @id AND asked_about IS NOT @about`,
  );
  const believe = db.prepare(
    'UPDATE devices SET accepted_generation = max(accepted_generation, asked_generation) WHERE id = ?',
  );
  return (tx: Tx, id: string, { journal, lastStored }: Hello, atMs: number): void => {
    if (!lastStored || isSettled(id, { journal, stream: 'state', ...lastStored })) return;
    const isNew = raise.run({ id, about: `${journal}/${lastStored.start}/${lastStored.seq}` }).changes === 1;
    believe.run(id);
    if (!isNew) return;
    const sentence = `${id} has reported what is not stored here: the server was restored from a backup. It is asked to say again where it stands.`;
    tx.event(deviceEvent('DEVICE_ASKED_AGAIN', id, sentence, lastStored), atMs);
  };
}

/**
 * Another process while the known one is alive. A restart is told apart by its start counter, which grows durably at every
 * agent start: the old connection may linger after a power cut.
 */
function isClone(row: DeviceRow, hello: Hello, atMs: number): boolean {
  if (row.instance === null || row.instance === hello.instance) return false;
  const isRestart = row.journal === hello.journal && hello.start > (row.start ?? 0);
  const isAlive = row.is_connected === 1 || atMs - (row.last_seen_at_ms ?? 0) < ALIVE_MS;
  return isAlive && !isRestart;
}

/** What was carried may have been overtaken by a later start, by what came over the network, or by a new disk. */
function isOlder(row: DeviceRow, hello: Hello): boolean {
  if (row.journal === null) return false;
  if (row.journal !== hello.journal) return hello.at <= (row.last_seen_at_ms ?? 0);
  return hello.start < (row.start ?? 0) || hello.generation < row.accepted_generation;
}

const likePattern = (search: string | undefined): string =>
  search ? `%${search.replace(/[\\%_]/g, '\\$&')}%` : '%';

export const toDevice = (row: DeviceRow): Device => ({
  id: row.id,
  labels: JSON.parse(row.labels),
  capabilities: row.capabilities ? JSON.parse(row.capabilities) : null,
  status: row.status,
  isConnected: row.is_connected !== 0,
  via: VIA[row.is_connected] ?? null,
  enrolledAtMs: row.enrolled_at_ms,
  lastSeenAtMs: row.last_seen_at_ms,
  acceptedGeneration: row.accepted_generation,
  hold: row.hold ? JSON.parse(row.hold) : null,
});
