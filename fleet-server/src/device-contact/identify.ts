import type { TLSSocket } from 'node:tls';
import { CodedError } from '@ringfleet/shared/errors';
import type { IdentityStore } from '../ports/identity-store.ts';
import type { Clock } from '../ports/log.ts';
import type { DeviceStore } from '../ports/stores.ts';

/** Who is at the other end of a connection, proven by a certificate that is in the registry. */
export interface DeviceIdentity {
  readonly device: string;
  readonly serial: string;
}

export type Identify = (socket: TLSSocket) => Promise<DeviceIdentity>;

/**
 * The one place that says which device a connection belongs to, for HTTP and MQTT alike. The listener has verified the
 * chain in the handshake (`rejectUnauthorized: true`); here the certificate must also be this fleet's, not be past its
 * date and not be revoked, which a resumed session would not show. One that was issued after the backup that this server was
 * restored from is taken back. Throws CERTIFICATE_NOT_VALID, CERTIFICATE_EXPIRED.
 */
export function identifier(
  fleet: string,
  devices: DeviceStore,
  identities: Pick<IdentityStore, 'adoptCertificate'>,
  clock: Clock = Date.now,
): Identify {
  return async (socket) => {
    const certificate = socket.getPeerCertificate();
    const { CN: device, O: organization } = certificate.subject ?? {};
    if (!socket.authorized || typeof device !== 'string' || organization !== fleet) {
      throw new CodedError('CERTIFICATE_NOT_VALID', 'the certificate is not one of a device of this fleet');
    }
    const serial = certificate.serialNumber.toLowerCase();
    const isKnown = async (): Promise<boolean> => {
      if (await devices.isCertificateValid(device, serial)) return true;
      const dates = {
        notBeforeMs: Date.parse(certificate.valid_from),
        notAfterMs: Date.parse(certificate.valid_to),
      };
      const change = { by: { kind: 'device', name: device, role: 'viewer' }, atMs: clock() } as const;
      return identities.adoptCertificate(device, { serial, ...dates }, change);
    };
    if (!(await isKnown())) {
      throw new CodedError(
        'CERTIFICATE_NOT_VALID',
        `certificate ${serial} is not valid for device ${device}`,
      );
    }
    // A resumed session is not verified again: its certificate may have ended since.
    if (Date.parse(certificate.valid_to) <= clock()) {
      throw new CodedError('CERTIFICATE_EXPIRED', `certificate ${serial} of ${device} has expired`);
    }
    return { device, serial };
  };
}
