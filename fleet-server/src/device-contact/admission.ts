import { CodedError } from '@ringfleet/shared/errors';
import {
  approvalCode,
  type EnrollPending,
  type EnrollReply,
  type EnrollRequest,
} from '@ringfleet/shared/protocol';
import { v7 as uuidv7 } from 'uuid';
import { hashSecret } from '../api/credentials.ts';
import type { Clock } from '../ports/log.ts';
import type { Pki } from '../ports/pki.ts';
import type { Change, Stores } from '../ports/stores.ts';

const POLL_MS = 3_000;
const DAY_MS = 86_400_000;

export interface AdmissionParts {
  readonly fleet: string;
  readonly stores: Stores;
  readonly pki: Pki;
  readonly clock: Clock;
  /** Where the device goes from here. */
  readonly deviceUrl: string;
  readonly mqttUrl: string;
}

/** Admits devices that show a token: at once, as a new board of a known device, or after a person's approval. */
export function admitter(parts: AdmissionParts) {
  const { fleet, stores, pki, clock, deviceUrl, mqttUrl } = parts;
  const changeBy = (id: string, atMs: number): Change => ({
    by: { kind: 'device', name: id, role: 'viewer' },
    atMs,
  });
  const issue = async (csr: string, id: string, atMs: number) => {
    const issued = await pki.issueDevice(csr, id, atMs);
    const reply: EnrollReply = {
      fleet,
      device: id,
      certificate: issued.certificate,
      ca: pki.caPem,
      apiUrl: deviceUrl,
      mqttUrl,
      notAfter: issued.notAfterMs,
    };
    return { reply, certificate: { certSerial: issued.serial, notAfterMs: issued.notAfterMs } };
  };

  async function afterApproval(
    request: EnrollRequest & { readonly id: string },
    secretHash: string,
    address: string | null,
  ): Promise<EnrollReply | EnrollPending> {
    const { id, csr, capabilities = null } = request;
    const change = changeBy(id, clock());
    const key = await pki.keyDigest(csr);
    const keySha256 = Buffer.from(key).toString('hex');
    const expiresAtMs = change.atMs + DAY_MS;
    const asked = { id, secretHash, keySha256, code: approvalCode(key), capabilities, address, expiresAtMs };
    if ((await stores.pending.request(asked, change)) === 'waiting') {
      return { state: 'pending', device: id, pollAfterMs: POLL_MS, expiresAt: expiresAtMs };
    }
    const { reply, certificate } = await issue(csr, id, change.atMs);
    await stores.pending.admit({ id, keySha256, ...certificate }, change);
    return reply;
  }

  return async (request: EnrollRequest, address: string | null): Promise<EnrollReply | EnrollPending> => {
    const { secret, csr, capabilities = null, id: asked } = request;
    const atMs = clock();
    const secretHash = hashSecret(secret);
    if (asked !== undefined && (await stores.pending.isKnown(asked, secretHash, atMs))) {
      return afterApproval({ ...request, id: asked }, secretHash, address);
    }
    // First of all: who has no token costs no signature.
    const admission = await stores.tokens.admission(secretHash, atMs);
    const id = asked ?? admission.device ?? uuidv7();
    if (admission.device !== null && id !== admission.device) throw new CodedError('TOKEN_BOUND');
    if (admission.needsApproval) return afterApproval({ ...request, id }, secretHash, address);
    // Signed before the token is used up: a bad request must not cost an admission. Unregistered it opens nothing.
    const { reply, certificate } = await issue(csr, id, atMs);
    await stores.devices.enroll({ id, secretHash, capabilities, ...certificate }, changeBy(id, atMs));
    return reply;
  };
}
