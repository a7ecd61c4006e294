import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf, Results, type ResultsFile, resultsText } from '@ringfleet/shared/protocol';
import type { Clock } from '../ports/log.ts';
import type { KnownCertificate, Pki } from '../ports/pki.ts';
import type { Stores } from '../ports/stores.ts';

/** A device that nobody visits cannot renew: its key vouches for it a year longer than its certificate. */
const GRACE_MS = 365 * 86_400_000;
/** One transaction of the store. */
const BATCH = 128;

export interface CarriedResultsParts {
  readonly fleet: string;
  readonly stores: Stores;
  readonly pki: Pki;
  readonly clock: Clock;
}

export interface TakenResults {
  readonly device: string;
  /** When the device wrote them, by its clock. */
  readonly atMs: number;
  readonly reports: number;
  readonly quarantined: number;
  /** How many more wait in the device. */
  readonly waiting: number;
}

export type TakeResults = (file: ResultsFile) => Promise<TakenResults>;

const checkResults = checkerOf(Results, 'results');

/**
 * Takes in what a device without a network had somebody carry. The one who carries vouches for nothing: the device's own key
 * does, and the registry of certificates. Reports go through the ordinary ingest, so the same file again, or the same report
 * over the network, is stored once. Throws RESULTS_REFUSED, DEVICE_REVOKED, CLONED_DEVICE, MESSAGE_INVALID.
 */
export function resultsTaker({ fleet, stores, pki, clock }: CarriedResultsParts): TakeResults {
  return async (file) => {
    const device = await authorOf(file);
    const results = checkResults(parsed(file.payload));
    const nowMs = clock();
    await stores.devices.carriedHello(device, results.hello, nowMs);
    let quarantined = 0;
    for (let from = 0; from < results.reports.length; from += BATCH) {
      const acks = await stores.reports.ingest(device, results.reports.slice(from, from + BATCH), nowMs);
      quarantined += acks.reduce((sum, ack) => sum + ack.quarantined.length, 0);
    }
    const { at, reports, waiting } = results;
    return { device, atMs: at, reports: reports.length, quarantined, waiting };
  };

  async function authorOf({ fleet: theirs, device, certificate, signature, payload }: ResultsFile) {
    const known = verified(pki, certificate);
    if (theirs !== fleet || known.device !== device)
      throw refused(`they are of ${device} of fleet ${theirs}, the certificate is of ${known.device}`);
    if (!known.hasSigned(resultsText(fleet, device, payload), signature))
      throw refused('the signature does not fit: they were changed on the way');
    const registered = await stores.identities.certificate(known.serial);
    if (!registered || registered.device !== device)
      throw refused(`certificate ${known.serial} is not in the registry`);
    if (registered.status === 'cloned') throw new CodedError('CLONED_DEVICE', `${device} is in use twice`);
    if (registered.isRevoked || registered.status !== 'active')
      throw new CodedError('DEVICE_REVOKED', `certificate ${known.serial} of ${device} was revoked`);
    if (clock() - known.notAfterMs > GRACE_MS)
      throw refused(`the certificate of ${device} ended more than a year ago`);
    return device;
  }
}

function verified(pki: Pki, certificate: string): KnownCertificate {
  try {
    return pki.verifyDevice(certificate);
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw new CodedError('RESULTS_REFUSED', cause.message, { cause });
  }
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch (cause) {
    throw new CodedError('MESSAGE_INVALID', 'the results are not JSON', { cause });
  }
}

const refused = (message: string): CodedError => new CodedError('RESULTS_REFUSED', message);
