import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf, type EnrollReply, EnrollRequest, RenewalRequest } from '@ringfleet/shared/protocol';
import type { FastifyPluginAsync } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import type { Renewals } from '../../device-contact/renewals.ts';
import type { Pki } from '../../ports/pki.ts';
import type { Stores } from '../../ports/stores.ts';
import { hashSecret } from '../credentials.ts';
import { type TimeParts, timeRoute } from './time-route.ts';

export interface EnrollmentParts extends TimeParts {
  readonly stores: Stores;
  readonly pki: Pki;
  readonly renewals: Renewals;
  /** Where the device goes from here. */
  readonly deviceUrl: string;
  readonly mqttUrl: string;
}

const checkRenewal = checkerOf(RenewalRequest, 'renewal request');
const checkRequest = checkerOf(EnrollRequest, 'enrollment request');

/** The way in for a device that has no certificate yet: on the people listener. */
export function enrollmentRoutes(parts: EnrollmentParts): FastifyPluginAsync {
  const { fleet, stores, pki, clock, deviceUrl, mqttUrl } = parts;
  return async (app) => {
    app.post('/device/v1/enroll', { config: { role: 'none' }, bodyLimit: 64 * 1024 }, async (request) => {
      const { secret, csr, capabilities = null, id: asked } = checkRequest(request.body);
      const atMs = clock();
      const secretHash = hashSecret(secret);
      // First of all: who has no token costs no signature.
      const admission = await stores.tokens.admission(secretHash, atMs);
      const id = asked ?? admission.device ?? uuidv7();
      if (admission.device !== null && id !== admission.device) throw new CodedError('TOKEN_BOUND');
      // Signed before the token is used up: a bad request must not cost an admission. Unregistered it opens nothing.
      const issued = await pki.issueDevice(csr, id, atMs);
      await stores.devices.enroll(
        {
          id,
          secretHash,
          certSerial: issued.serial,
          notAfterMs: issued.notAfterMs,
          capabilities,
        },
        { by: { kind: 'device', name: id, role: 'viewer' }, atMs },
      );
      const reply: EnrollReply = {
        fleet,
        device: id,
        certificate: issued.certificate,
        ca: pki.caPem,
        apiUrl: deviceUrl,
        mqttUrl,
        notAfter: issued.notAfterMs,
      };
      return reply;
    });
    // TLS lets nobody in whose certificate has ended: the third way (DESIGN §4), where everything is checked here.
    app.post('/device/v1/cert-renewal', { config: { role: 'none' }, bodyLimit: 64 * 1024 }, async (request) =>
      parts.renewals.renewEnded(checkRenewal(request.body)),
    );
    timeRoute(app, parts);
  };
}
