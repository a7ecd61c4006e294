import { CodedError } from '@ringfleet/shared/errors';
import type { Device } from '../../core/domain.ts';
import type { IdentityStore } from '../../ports/identity-store.ts';
import type { ControlDatabase } from './control-database.ts';
import { deviceEvent } from './device-event.ts';
import { type DeviceRow, toDevice } from './devices.ts';

interface CertificateRow {
  device: string;
  not_after_ms: number;
  revoked_at_ms: number | null;
  status: Device['status'];
}

/** Certificates begin a day before they are issued; the rest is for clocks. */
const BACKDATED_MS = 2 * 86_400_000;

const ENDINGS = {
  revoked: { action: 'device.revoke', code: 'DEVICE_REVOKED', words: 'was revoked' },
  decommissioned: {
    action: 'device.decommission',
    code: 'DEVICE_DECOMMISSIONED',
    words: 'was decommissioned',
  },
} as const;

export function identityStore(db: ControlDatabase): IdentityStore {
  const byId = db.prepare<[string], DeviceRow>('SELECT * FROM devices WHERE id = ?');
  const setStatus = db.prepare('UPDATE devices SET status = ? WHERE id = ?');
  const revokeAll = db.prepare<[number, string], { serial: string }>(
    'UPDATE certificates SET revoked_at_ms = ? WHERE device = ? AND revoked_at_ms IS NULL RETURNING serial',
  );
  const revokeOthers = db.prepare(
    'UPDATE certificates SET revoked_at_ms = ? WHERE device = ? AND serial <> ? AND revoked_at_ms IS NULL',
  );
  const insert = db.prepare('INSERT INTO certificates (serial, device, not_after_ms) VALUES (?, ?, ?)');
  const bySerial = db.prepare<[string], CertificateRow>(
    `SELECT c.device, c.not_after_ms, c.revoked_at_ms, d.status
     FROM certificates c JOIN devices d ON d.id = c.device WHERE c.serial = ?`,
  );
  const lostWith = db.prepare<[number, number], { at_ms: number }>(
    'SELECT at_ms FROM restores WHERE ? >= backup_at_ms AND ? <= at_ms LIMIT 1',
  );

  const insertWipe = db.prepare(
    `INSERT OR IGNORE INTO wipe_orders (device, order_id, document, expires_at_ms, ordered_at_ms)
     VALUES (?, ?, ?, ?, ?)`,
  );
  const newestWipe = db.prepare<[string, number], { order_id: string; document: string }>(
    `SELECT order_id, document FROM wipe_orders WHERE device = ? AND expires_at_ms > ?
     ORDER BY ordered_at_ms DESC LIMIT 1`,
  );

  function existing(id: string): Device {
    const row = byId.get(id);
    if (!row) throw new CodedError('DEVICE_UNKNOWN', `no device ${id} is enrolled`);
    return toDevice(row);
  }

  return {
    async end(id, { status, reason }, change) {
      return db.write((tx) => {
        const { action, code, words } = ENDINGS[status];
        if (existing(id).status === status) return existing(id);
        const serials = revokeAll.all(change.atMs, id).map((row) => row.serial);
        setStatus.run(status, id);
        tx.audit(change, action, id, { reason, serials });
        tx.event(
          deviceEvent(code, id, `${id} ${words}${because(reason)}.`, { reason, serials }),
          change.atMs,
        );
        return existing(id);
      });
    },
    async revokeCertificates(id, reason, change) {
      return db.write((tx) => {
        const device = existing(id);
        const serials = revokeAll.all(change.atMs, id).map((row) => row.serial);
        tx.audit(change, 'device.revokeCertificates', id, { reason, serials });
        const sentence = `The certificates of ${id} were revoked${because(reason)}.`;
        tx.event(deviceEvent('CERTIFICATES_REVOKED', id, sentence, { reason, serials }), change.atMs);
        return device;
      });
    },
    async renewCertificate(id, { usedSerial, serial, notAfterMs }, change) {
      db.write((tx) => {
        revokeOthers.run(change.atMs, id, usedSerial);
        insert.run(serial, id, notAfterMs);
        tx.audit(change, 'device.renewCertificate', id, { usedSerial, serial, notAfterMs });
        const sentence = `${id} renewed its certificate.`;
        tx.event(deviceEvent('CERTIFICATE_RENEWED', id, sentence, { serial, notAfterMs }), change.atMs);
      });
    },
    async adoptCertificate(id, { serial, notBeforeMs, notAfterMs }, change) {
      return db.write((tx) => {
        if (bySerial.get(serial) || byId.get(id)?.status !== 'active') return false;
        if (!lostWith.get(notBeforeMs + BACKDATED_MS, notBeforeMs)) return false;
        insert.run(serial, id, notAfterMs);
        tx.audit(change, 'device.adoptCertificate', id, { serial, notAfterMs });
        const sentence = `${id} came with a certificate that was issued after the backup; it is known again.`;
        tx.event(deviceEvent('CERTIFICATE_ADOPTED', id, sentence, { serial, notAfterMs }), change.atMs);
        return true;
      });
    },
    async orderWipe(id, { order, document, expiresAtMs }, change) {
      return db.write((tx) => {
        const device = existing(id);
        if (insertWipe.run(id, order, document, expiresAtMs, change.atMs).changes === 0) return device;
        tx.audit(change, 'device.orderWipe', id, { order, expiresAtMs });
        const sentence = `${id} is to erase itself by the signed order ${order}.`;
        tx.event(deviceEvent('WIPE_ORDERED', id, sentence, { order, expiresAtMs }), change.atMs);
        return device;
      });
    },
    async wipeOrder(id, nowMs) {
      const row = newestWipe.get(id, nowMs);
      return row ? { order: row.order_id, document: row.document } : null;
    },
    async certificate(serial) {
      const row = bySerial.get(serial);
      if (!row) return null;
      const { device, not_after_ms, revoked_at_ms, status } = row;
      return { device, notAfterMs: not_after_ms, isRevoked: revoked_at_ms !== null, status };
    },
  };
}

const because = (reason: string): string => (reason === '' ? '' : `: ${reason}`);
