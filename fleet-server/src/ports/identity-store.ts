import type { Device } from '../core/domain.ts';
import type { Change } from './stores.ts';

/** What the registry knows of one certificate. */
export interface RegisteredCertificate {
  readonly device: string;
  readonly notAfterMs: number;
  readonly isRevoked: boolean;
  readonly status: Device['status'];
}

/** The life of device identities after enrollment. One method is one transaction, with its audit row and its event. */
export interface IdentityStore {
  /**
   * Revokes every certificate of a device and takes it out of the fleet; its history stays. Doing it again changes nothing.
   * Throws DEVICE_UNKNOWN.
   */
  end(
    id: string,
    how: { readonly status: 'revoked' | 'decommissioned'; readonly reason: string },
    change: Change,
  ): Promise<Device>;
  /** Revokes every certificate and leaves the device where it is: a new board is to take it over. Throws DEVICE_UNKNOWN. */
  revokeCertificates(id: string, reason: string, change: Change): Promise<Device>;
  /**
   * Registers a renewed certificate beside the one it was asked for with, which stays valid in case the answer is lost;
   * every other one of the device is revoked.
   */
  renewCertificate(
    id: string,
    certificate: { readonly usedSerial: string; readonly serial: string; readonly notAfterMs: number },
    change: Change,
  ): Promise<void>;
  /**
   * After a restore: registers a certificate that this fleet's authority issued between backup and restore, and that is unknown
   * because its registration was lost. Only for an active device; false when it is none of that.
   */
  adoptCertificate(
    id: string,
    certificate: { readonly serial: string; readonly notBeforeMs: number; readonly notAfterMs: number },
    change: Change,
  ): Promise<boolean>;
  /** Keeps a verified wipe order until the device has fetched it. Again the same one changes nothing. Throws DEVICE_UNKNOWN. */
  orderWipe(
    id: string,
    wipe: { readonly order: string; readonly document: string; readonly expiresAtMs: number },
    change: Change,
  ): Promise<Device>;
  /** The newest order for the device that is in date. */
  wipeOrder(id: string, nowMs: number): Promise<{ readonly order: string; readonly document: string } | null>;
  certificate(serial: string): Promise<RegisteredCertificate | null>;
}
