import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf, EnrollRequest, RenewalRequest } from '@ringfleet/shared/protocol';
import type { FastifyPluginAsync } from 'fastify';
import { type AdmissionParts, admitter } from '../../device-contact/admission.ts';
import type { Refusals } from '../../device-contact/refusals.ts';
import type { Renewals } from '../../device-contact/renewals.ts';
import { type TimeParts, timeRoute } from './time-route.ts';

export interface EnrollmentParts extends TimeParts, AdmissionParts {
  readonly renewals: Renewals;
  readonly refusals: Refusals;
}

const checkRenewal = checkerOf(RenewalRequest, 'renewal request');
const checkRequest = checkerOf(EnrollRequest, 'enrollment request');

/** The ways in for a device that has no valid certificate: on the people listener. */
export function enrollmentRoutes(parts: EnrollmentParts): FastifyPluginAsync {
  const admit = admitter(parts);
  return async (app) => {
    app.addHook('onError', async (request, _reply, err) => {
      const thrown: unknown = err;
      if (thrown instanceof CodedError) parts.refusals.note({ address: request.ip, code: thrown.code });
    });
    const open = { config: { role: 'none' as const }, bodyLimit: 64 * 1024 };
    app.post('/device/v1/enroll', open, async (request, reply) => {
      const answer = await admit(checkRequest(request.body), request.ip);
      return reply.code('state' in answer ? 202 : 200).send(answer);
    });
    // TLS lets nobody in whose certificate has ended: the third way (DESIGN §4), where everything is checked here.
    app.post('/device/v1/cert-renewal', open, async (request) =>
      parts.renewals.renewEnded(checkRenewal(request.body)),
    );
    timeRoute(app, parts);
  };
}
