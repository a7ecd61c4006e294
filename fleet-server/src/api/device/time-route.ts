import { CodedError } from '@ringfleet/shared/errors';
import type { TimeReply } from '@ringfleet/shared/protocol';
import { buildTime, type Signer, signDocument } from '@ringfleet/shared/trust';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../ports/log.ts';
import type { Stores, TrustStore } from '../../ports/stores.ts';

export interface TimeParts {
  readonly fleet: string;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly stores: Stores;
}

const NONCE = /^[A-Za-z0-9_-]{8,128}$/;
const VERSION = /^[1-9]\d{0,8}$/;
const MAX_ROOTS = 64;
const MAX_ROOT_CHARACTERS = 512 * 1024;

/**
 * Signed time for devices whose clock cannot be trusted; the nonce keeps an old answer from being played again. With
 * `root`, the roots that follow it come along: who is judged by the wrong time can fetch them in no other way.
 */
export function timeRoute(app: FastifyInstance, { fleet, signer, clock, stores }: TimeParts): void {
  app.get<{ Querystring: { nonce?: string; root?: string } }>(
    '/device/v1/time',
    { config: { role: 'none' } },
    async ({ query }, reply) => {
      const { nonce, root } = query;
      if (nonce === undefined || !NONCE.test(nonce)) {
        throw new CodedError('MESSAGE_INVALID', 'nonce must be 8 to 128 of A-Z a-z 0-9 _ -', {
          at: 'query/nonce',
        });
      }
      if (root !== undefined && !VERSION.test(root)) {
        throw new CodedError('MESSAGE_INVALID', 'root must be the version of a root', { at: 'query/root' });
      }
      const roots = root === undefined ? [] : await rootsAfter(stores.trust, Number(root));
      const time = signDocument(buildTime({ fleet, nonce, atMs: clock() }), [signer]);
      reply.type('application/json').header('cache-control', 'no-store');
      if (root === undefined) return reply.send(time);
      return reply.send(JSON.stringify({ v: 1, time, roots } satisfies TimeReply));
    },
  );
}

async function rootsAfter(trust: Pick<TrustStore, 'get'>, version: number): Promise<string[]> {
  const roots: string[] = [];
  let characters = 0;
  while (roots.length < MAX_ROOTS) {
    const text = await trust.get('root', version + roots.length + 1);
    characters += text?.length ?? 0;
    if (text === null || characters > MAX_ROOT_CHARACTERS) break;
    roots.push(text);
  }
  return roots;
}
