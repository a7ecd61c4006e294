import type { TLSSocket } from 'node:tls';
import { CodedError, type ErrorCode } from '@ringfleet/shared/errors';
import type { Clock, Log } from '../ports/log.ts';
import type { RefusalStore } from '../ports/refusal-store.ts';

/** Contacts of one address for one reason within this time become one write. */
const WRITE_MS = 10_000;
const MAX_KEYS = 5_000;

export interface Refusal {
  readonly address: string | undefined;
  readonly code: ErrorCode;
  readonly serial?: string | undefined;
  readonly device?: string | undefined;
}

export interface Refusals {
  note(refusal: Refusal): void;
  /** A handshake that failed; what is no refusal of a certificate (a port scan, a lost line) is left out. */
  noteHandshake(err: Error, socket: TLSSocket): void;
  /** Whatever was thrown at somebody whose certificate TLS had accepted. */
  noteError(err: unknown, socket: TLSSocket): void;
}

/** Writes down who was refused, at most once in a while for one address and reason; the first contact at once. */
export function refusalRecorder(parts: { store: RefusalStore; clock: Clock; log: Log }): Refusals {
  const { store, clock, log } = parts;
  const recent = new Map<string, { writtenMs: number; unwritten: number }>();

  function note({ address = 'unknown', code, serial = null, device = null }: NullableRefusal): void {
    const key = `${address} ${code}`;
    const nowMs = clock();
    const known = recent.get(key);
    if (known && nowMs - known.writtenMs < WRITE_MS) {
      known.unwritten += 1;
      return;
    }
    recent.delete(key);
    recent.set(key, { writtenMs: nowMs, unwritten: 0 });
    const oldest = recent.keys().next().value;
    if (recent.size > MAX_KEYS && oldest !== undefined) recent.delete(oldest);
    const count = 1 + (known?.unwritten ?? 0);
    store.add({ address, code, serial, device, lastAtMs: nowMs, count }).catch((err: unknown) => {
      log.error({ err, component: 'device-contact' }, 'refusal not written');
    });
  }

  return {
    note,
    noteHandshake(err, socket) {
      const why: unknown = socket.authorizationError;
      const code = 'code' in err ? String(err.code) : '';
      if (!why && !code.startsWith('ERR_SSL_')) return;
      // Only what it is called by; it is refused either way.
      const isEnded = String(why) === 'CERT_HAS_EXPIRED';
      note({
        address: socket.remoteAddress,
        code: isEnded ? 'CERTIFICATE_EXPIRED' : 'CLIENT_CERTIFICATE_REFUSED',
      });
    },
    noteError(err, socket) {
      if (!(err instanceof CodedError)) return;
      const { subject, serialNumber } = socket.getPeerCertificate() ?? {};
      const device = typeof subject?.CN === 'string' ? subject.CN.slice(0, 64) : undefined;
      const serial = serialNumber?.toLowerCase().slice(0, 64);
      note({ address: socket.remoteAddress, code: err.code, serial, device });
    },
  };
}

type NullableRefusal = Omit<Refusal, 'serial' | 'device'> & {
  readonly serial?: string | null | undefined;
  readonly device?: string | null | undefined;
};
