import { CodedError } from '@ringfleet/shared/errors';
import type { PendingEnrollment, PendingStore } from '../../ports/pending-store.ts';
import type { ControlDatabase } from './control-database.ts';
import { deviceEvent } from './device-event.ts';
import { afterKey, pageOf } from './page.ts';
import { tokenDesk } from './token-admission.ts';

interface PendingRow {
  id: string;
  secret_hash: string;
  key_sha256: string;
  code: string;
  labels: string;
  capabilities: string | null;
  address: string | null;
  requested_at_ms: number;
  expires_at_ms: number;
  approved_by: string | null;
}

const MAX_PENDING = 1_000;

export function pendingStore(db: ControlDatabase): PendingStore {
  const byId = db.prepare<[string, number], PendingRow>(
    'SELECT * FROM pending_enrollments WHERE id = ? AND expires_at_ms > ?',
  );
  const listed = db.prepare<[string, number, number], PendingRow>(
    `SELECT * FROM pending_enrollments WHERE id > ? AND expires_at_ms > ? AND approved_by IS NULL ORDER BY id LIMIT ?`,
  );
  const forgetEnded = db.prepare('DELETE FROM pending_enrollments WHERE expires_at_ms <= ?');
  const count = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM pending_enrollments');
  const insert = db.prepare(
    `INSERT INTO pending_enrollments
       (id, secret_hash, key_sha256, code, labels, capabilities, address, requested_at_ms, expires_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const changeKey = db.prepare('UPDATE pending_enrollments SET key_sha256 = ?, code = ? WHERE id = ?');
  const approve = db.prepare('UPDATE pending_enrollments SET approved_by = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM pending_enrollments WHERE id = ?');
  const device = db.prepare<[string], { id: string }>('SELECT id FROM devices WHERE id = ?');
  const insertDevice = db.prepare(
    `INSERT INTO devices (id, labels, capabilities, status, is_connected, enrolled_at_ms, accepted_generation)
     VALUES (?, ?, ?, 'active', 0, ?, 0)`,
  );
  const revoke = db.prepare(
    'UPDATE certificates SET revoked_at_ms = ? WHERE device = ? AND revoked_at_ms IS NULL',
  );
  const certify = db.prepare('INSERT INTO certificates (serial, device, not_after_ms) VALUES (?, ?, ?)');
  const desk = tokenDesk(db);

  function waiting(id: string, nowMs: number): PendingRow {
    const row = byId.get(id, nowMs);
    if (!row) throw new CodedError('ENROLLMENT_UNKNOWN', `no device ${id} waits for approval`);
    return row;
  }
  const taken = (id: string): CodedError =>
    new CodedError('DEVICE_EXISTS', `device ${id} is enrolled already`);

  return {
    async isKnown(id, secretHash, nowMs) {
      return byId.get(id, nowMs)?.secret_hash === secretHash;
    },
    async request(asked, change) {
      return db.write((tx) => {
        forgetEnded.run(change.atMs);
        const { id, secretHash, keySha256, code, capabilities, address, expiresAtMs } = asked;
        const row = byId.get(id, change.atMs);
        if (row) {
          const isSame = row.key_sha256 === keySha256;
          if (row.secret_hash !== secretHash || (!isSame && row.approved_by !== null)) throw taken(id);
          if (!isSame) changeKey.run(keySha256, code, id);
          return row.approved_by === null ? 'waiting' : 'approved';
        }
        if (device.get(id)) throw taken(id);
        if ((count.get()?.n ?? 0) >= MAX_PENDING) throw new CodedError('TOO_MANY_PENDING');
        const labels = JSON.stringify(desk.admit(secretHash, change.atMs).labels);
        const facts = capabilities ? JSON.stringify(capabilities) : null;
        insert.run(id, secretHash, keySha256, code, labels, facts, address, change.atMs, expiresAtMs);
        tx.audit(change, 'device.askToEnroll', id, { code, address });
        const sentence = `${id} waits for approval; it shows ${code}.`;
        tx.event({ ...deviceEvent('DEVICE_PENDING', id, sentence, { code }), kind: 'alert' }, change.atMs);
        return 'waiting';
      });
    },
    async admit({ id, keySha256, certSerial, notAfterMs }, change) {
      db.write((tx) => {
        const row = waiting(id, change.atMs);
        if (row.approved_by === null || row.key_sha256 !== keySha256)
          throw new CodedError('ENROLLMENT_UNKNOWN');
        // The answer to an earlier request was lost: its certificate is nowhere.
        if (device.get(id)) revoke.run(change.atMs, id);
        else insertDevice.run(id, row.labels, row.capabilities, change.atMs);
        certify.run(certSerial, id, notAfterMs);
        tx.audit(change, 'device.enroll', id, { certSerial, approvedBy: row.approved_by });
        tx.event(deviceEvent('DEVICE_ENROLLED', id, `${id} was enrolled.`), change.atMs);
      });
    },
    async list(query) {
      const rows = listed.all(afterKey(query, ''), query.nowMs, query.limit + 1);
      return pageOf(rows, query, (row) => row.id, toPending);
    },
    async approve(id, code, change) {
      db.write((tx) => {
        const row = waiting(id, change.atMs);
        if (row.code !== code) throw new CodedError('APPROVAL_CODE_WRONG');
        approve.run(change.by.name, id);
        tx.audit(change, 'device.approve', id, { code });
        const sentence = `${change.by.name} approved ${id}.`;
        tx.event(deviceEvent('DEVICE_APPROVED', id, sentence, { code }), change.atMs);
      });
    },
    async reject(id, change) {
      db.write((tx) => {
        const { code } = waiting(id, change.atMs);
        remove.run(id);
        tx.audit(change, 'device.reject', id, { code });
        const sentence = `${change.by.name} did not admit ${id}.`;
        tx.event(deviceEvent('DEVICE_REJECTED', id, sentence, { code }), change.atMs);
      });
    },
  };
}

const toPending = (row: PendingRow): PendingEnrollment => ({
  id: row.id,
  code: row.code,
  labels: JSON.parse(row.labels),
  capabilities: row.capabilities ? JSON.parse(row.capabilities) : null,
  address: row.address,
  requestedAtMs: row.requested_at_ms,
  expiresAtMs: row.expires_at_ms,
  approvedBy: row.approved_by,
});
