import { createHmac, randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { FleetEvent } from '../core/domain.ts';
import type { WebhookMessage } from '../ports/webhooks.ts';

const SECRET_PREFIX = 'whsec_';

/** In the form of the Standard Webhooks specification: https://www.standardwebhooks.com */
export const newWebhookSecret = (): string => `${SECRET_PREFIX}${randomBytes(32).toString('base64')}`;

/** What a receiver is told about one event. */
export function messageOf(fleet: string, event: FleetEvent): WebhookMessage {
  const { seq, atMs, kind, code, sentence, device, model, rollout, data } = event;
  return newMessage(code, atMs, { fleet, seq, kind, code, sentence, device, model, rollout, data });
}

export function testMessage(fleet: string, name: string, atMs: number): WebhookMessage {
  return newMessage('WEBHOOK_TEST', atMs, { fleet, sentence: `This is a test of the webhook ${name}.` });
}

function newMessage(type: string, atMs: number, data: object): WebhookMessage {
  const timestamp = new Date(atMs).toISOString();
  return { id: `msg_${uuidv7()}`, type, body: JSON.stringify({ type, timestamp, data }) };
}

/** The headers that prove who sent this body, and when: the signature covers id, time (s) and body. */
export function signedHeaders(
  { id, body }: WebhookMessage,
  secret: string,
  nowMs: number,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
