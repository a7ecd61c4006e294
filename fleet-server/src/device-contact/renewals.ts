import { CodedError } from '@ringfleet/shared/errors';
import { type CertReply, type RenewalRequest, renewalText } from '@ringfleet/shared/protocol';
import type { Clock } from '../ports/log.ts';
import type { Pki } from '../ports/pki.ts';
import type { Stores } from '../ports/stores.ts';
import type { DeviceIdentity } from './identify.ts';

/** A device that was in a drawer for longer than this is enrolled again by a person. */
const GRACE_MS = 365 * 86_400_000;

export interface RenewalParts {
  readonly fleet: string;
  readonly stores: Stores;
  readonly pki: Pki;
  readonly clock: Clock;
}

export interface Renewals {
  /** For a device that TLS let in. Throws CSR_INVALID, CLONED_DEVICE. */
  renew(identity: DeviceIdentity, csr: string): Promise<CertReply>;
  /** For a device whose certificate has ended. Throws RENEWAL_REFUSED, DEVICE_REVOKED, CLONED_DEVICE, CSR_INVALID. */
  renewEnded(request: RenewalRequest): Promise<CertReply>;
}

/** New certificates for known devices. The name in a request is ignored: a device gets its own and no other. */
export function renewals({ fleet, stores, pki, clock }: RenewalParts): Renewals {
  async function issue({ device, serial: usedSerial }: DeviceIdentity, csr: string): Promise<CertReply> {
    const known = await stores.devices.get(device);
    // Which of two agents asks cannot be known: neither is trusted with more time.
    if (known?.status === 'cloned') throw new CodedError('CLONED_DEVICE');
    const atMs = clock();
    const { certificate, serial, notAfterMs } = await pki.issueDevice(csr, device, atMs);
    const by = { kind: 'device', name: device, role: 'viewer' } as const;
    await stores.identities.renewCertificate(device, { usedSerial, serial, notAfterMs }, { by, atMs });
    return { certificate, notAfter: notAfterMs };
  }

  return {
    renew: issue,
    async renewEnded({ certificate, csr, signature }) {
      const known = pki.verifyDevice(certificate);
      const { device, serial, notAfterMs } = known;
      if (!known.hasSigned(renewalText(fleet, device, csr), signature))
        throw new CodedError('RENEWAL_REFUSED', 'the request is not signed with the old key');
      const registered = await stores.identities.certificate(serial);
      if (!registered || registered.device !== device) {
        throw new CodedError('RENEWAL_REFUSED', `certificate ${serial} is not in the registry`);
      }
      if (registered.isRevoked || registered.status === 'revoked' || registered.status === 'decommissioned') {
        throw new CodedError('DEVICE_REVOKED', `certificate ${serial} of ${device} was revoked`);
      }
      if (clock() - notAfterMs > GRACE_MS) {
        throw new CodedError('RENEWAL_REFUSED', `the certificate of ${device} ended more than a year ago`);
      }
      return issue({ device, serial }, csr);
    },
  };
}
