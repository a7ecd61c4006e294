import { createHash } from 'node:crypto';
import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const MAX_KEYS = 5_000;
const MAX_BODY_BYTES = 256 * 1024;

interface Remembered {
  /** What was asked: the same key for anything else is refused. */
  readonly request: string;
  answer: { readonly status: number; readonly type: string; readonly body: string } | null;
}

/**
 * `Idempotency-Key` on POST: the same key by the same caller gives the same answer, and the work is done once. Kept in
 * memory, the newest 5 000: after a restart a repeated request is done again.
 */
export function answerOnce(app: FastifyInstance): void {
  const known = new Map<string, Remembered>();
  /** The requests that do the work, and under which key. */
  const working = new WeakMap<FastifyRequest, string>();

  app.addHook('preHandler', async (request, reply) => {
    const key = keyOf(request);
    if (key === null) return;
    const asked = createHash('sha256')
      .update(`${request.url}\n${JSON.stringify(request.body)}`)
      .digest('hex');
    const before = known.get(key);
    if (!before) {
      forgetOldest(known);
      known.set(key, { request: asked, answer: null });
      working.set(request, key);
      return;
    }
    if (before.request !== asked) throw new CodedError('IDEMPOTENCY_KEY_REUSED');
    if (!before.answer)
      throw new CodedError('IDEMPOTENCY_KEY_REUSED', 'the first request with this key is still under way');
    return reply
      .code(before.answer.status)
      .type(before.answer.type)
      .header('idempotency-replayed', 'true')
      .send(before.answer.body);
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const key = working.get(request);
    const entry = key === undefined ? undefined : known.get(key);
    if (key === undefined || !entry) return payload;
    // A failure is not kept: the caller may mend what was wrong and use the key again.
    if (reply.statusCode >= 400 || typeof payload !== 'string' || payload.length > MAX_BODY_BYTES)
      known.delete(key);
    else
      entry.answer = {
        status: reply.statusCode,
        type: String(reply.getHeader('content-type')),
        body: payload,
      };
    return payload;
  });
}

function keyOf(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  if (request.method !== 'POST' || typeof key !== 'string' || key === '' || !request.principal) return null;
  if (key.length > 128)
    throw new CodedError('API_REQUEST_INVALID', 'the key is too long', { at: 'header/idempotency-key' });
  return `${request.principal.kind} ${request.principal.name} ${key}`;
}

function forgetOldest(known: Map<string, Remembered>): void {
  const oldest = known.keys().next().value;
  if (known.size >= MAX_KEYS && oldest !== undefined) known.delete(oldest);
}
