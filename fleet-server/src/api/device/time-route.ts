import { CodedError } from '@ringfleet/shared/errors';
import { type Signer, signDocument } from '@ringfleet/shared/trust';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../ports/log.ts';

export interface TimeParts {
  readonly fleet: string;
  readonly signer: Signer;
  readonly clock: Clock;
}

const NONCE = /^[A-Za-z0-9_-]{8,128}$/;

/** Signed time for devices whose clock cannot be trusted; the nonce keeps an old answer from being played again. */
export function timeRoute(app: FastifyInstance, { fleet, signer, clock }: TimeParts): void {
  app.get<{ Querystring: { nonce?: string } }>(
    '/device/v1/time',
    { config: { role: 'none' } },
    async ({ query }, reply) => {
      const { nonce } = query;
      if (nonce === undefined || !NONCE.test(nonce)) {
        throw new CodedError('MESSAGE_INVALID', 'nonce must be 8 to 128 of A-Z a-z 0-9 _ -', {
          at: 'query/nonce',
        });
      }
      const document = signDocument({ _type: 'time', fleet, nonce, at: clock() }, [signer]);
      return reply.type('application/json').header('cache-control', 'no-store').send(document);
    },
  );
}
