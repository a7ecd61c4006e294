import type { ErrorCode } from '@ringfleet/shared/errors';
import type { FleetEvent } from '../core/domain.ts';
import type { Change, Page, PageQuery } from './stores.ts';

export const MAX_WEBHOOKS = 20;
/** What one webhook may have waiting; further events stay in the events table until there is room. */
export const MAX_WAITING = 1_000;
/** Finished deliveries that are kept of each webhook. */
export const MAX_LOGGED = 200;

/** Somebody who is told about events of some kinds. */
export interface Webhook {
  readonly name: string;
  readonly url: string;
  readonly kinds: readonly FleetEvent['kind'][];
  readonly createdBy: string;
  readonly createdAtMs: number;
  /** Deliveries that are not finished. */
  readonly waiting: number;
  readonly last: WebhookDelivery | null;
}

export interface WebhookDelivery {
  /** The same at every attempt: a receiver knows by it what it has had already. */
  readonly id: string;
  readonly webhook: string;
  /** The event's code, or WEBHOOK_TEST. */
  readonly type: string;
  readonly state: 'waiting' | 'delivered' | 'failed';
  readonly attempts: number;
  /** Of the newest attempt. */
  readonly status: number | null;
  readonly code: string | null;
  readonly detail: string | null;
  readonly createdAtMs: number;
  /** When it was tried last; null: not yet. */
  readonly triedAtMs: number | null;
  readonly nextAtMs: number | null;
}

/** A message as it is sent, byte for byte the same at every attempt. */
export interface WebhookMessage {
  readonly id: string;
  readonly type: string;
  readonly body: string;
}

export interface DueDelivery extends WebhookMessage {
  readonly webhook: string;
  readonly url: string;
  readonly secret: string;
  /** Failed attempts before this one. */
  readonly failures: number;
}

export type WebhookOutcome =
  | { readonly isTaken: true; readonly status: number }
  | {
      readonly isTaken: false;
      readonly status: number | null;
      readonly code: ErrorCode;
      readonly detail: string;
    };

/** Webhooks, how far each has come in the events table, and its deliveries. */
export interface WebhookStore {
  list(): Promise<readonly Webhook[]>;
  /** Throws WEBHOOK_UNKNOWN. */
  get(name: string): Promise<{ readonly webhook: Webhook; readonly secret: string }>;
  /** Makes or changes one; a new one begins with the next event. `secret` null keeps the one it has. Throws TOO_MANY_WEBHOOKS. */
  put(
    webhook: Pick<Webhook, 'name' | 'url' | 'kinds'> & { readonly secret: string | null },
    change: Change,
  ): Promise<Webhook>;
  /** Takes its deliveries along. Throws WEBHOOK_UNKNOWN. */
  remove(name: string, change: Change): Promise<void>;
  /**
   * Makes deliveries of the events that each webhook has not seen and moves it on, in one transaction: after a crash none is
   * left out and none made twice. Answers how many events it has passed; there may be more until that is 0.
   */
  take(messageOf: (event: FleetEvent) => WebhookMessage, nowMs: number): Promise<number>;
  /** The delivery of each webhook that is longest due. */
  due(nowMs: number): Promise<readonly DueDelivery[]>;
  /** When the next one is due; null while nothing waits. */
  nextDueMs(): Promise<number | null>;
  /** Writes down one attempt; `retryAtMs` null: no further one. */
  tried(id: string, outcome: WebhookOutcome, retryAtMs: number | null, nowMs: number): Promise<void>;
  /** Writes down a test that a person asked for. */
  tested(name: string, message: WebhookMessage, outcome: WebhookOutcome, change: Change): Promise<void>;
  /** Newest first; what is finished is forgotten after the newest 200. */
  deliveries(name: string, query: PageQuery): Promise<Page<WebhookDelivery>>;
}

export interface WebhookSender {
  /** Throws WEBHOOK_URL_INVALID, WEBHOOK_ADDRESS_FORBIDDEN; looks no name up. */
  check(url: string): void;
  /** One attempt, within ten seconds; never throws. */
  send(
    target: Pick<DueDelivery, 'url' | 'secret'>,
    message: WebhookMessage,
    signal: AbortSignal,
  ): Promise<WebhookOutcome>;
}
