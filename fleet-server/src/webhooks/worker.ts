import { waitAfter } from '../core/webhooks/retries.ts';
import type { Clock, Log } from '../ports/log.ts';
import type { Stores } from '../ports/stores.ts';
import type { DueDelivery, WebhookSender } from '../ports/webhooks.ts';
import { messageOf } from './message.ts';

/** Looks at least this often: the clock may have been set. */
const LOOK_MS = 60_000;

export interface WebhookWorkerParts {
  readonly stores: Pick<Stores, 'webhooks' | 'events'>;
  readonly sender: WebhookSender;
  readonly fleet: string;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 to 1, for the jitter of retries. */
  readonly random: () => number;
}

/**
 * Delivers events to webhooks, at least once: what was taken from the events table is in the store before it is sent, and
 * stays there until the receiver has answered 2xx or it was tried for about a day. One attempt at a time for each webhook,
 * so that a slow receiver holds up nobody but itself.
 */
export function startWebhooks(parts: WebhookWorkerParts): { stop(): Promise<void> } {
  const { stores, sender, fleet, clock, log, random } = parts;
  const busy = new Map<string, Promise<void>>();
  let timer: NodeJS.Timeout | null = null;
  let looking: Promise<void> | null = null;
  let isAskedAgain = false;
  const stopping = new AbortController();

  function ask(): void {
    if (stopping.signal.aborted) return;
    if (looking !== null) {
      isAskedAgain = true;
      return;
    }
    looking = look()
      .catch((err: unknown) => log.error({ err, component: 'webhooks' }, 'webhooks not looked at'))
      .finally(() => {
        looking = null;
        if (isAskedAgain) ask();
      });
  }

  async function look(): Promise<void> {
    isAskedAgain = false;
    if (timer) clearTimeout(timer);
    while ((await stores.webhooks.take((event) => messageOf(fleet, event), clock())) > 0) {
      if (stopping.signal.aborted) return;
    }
    for (const delivery of await stores.webhooks.due(clock())) {
      if (busy.has(delivery.webhook)) continue;
      const work = deliver(delivery).finally(() => {
        busy.delete(delivery.webhook);
        ask();
      });
      busy.set(delivery.webhook, work);
    }
    if (stopping.signal.aborted) return;
    const next = await stores.webhooks.nextDueMs();
    const waitMs = next === null ? LOOK_MS : Math.min(LOOK_MS, Math.max(0, next - clock()));
    // Those that are due and not under way belong to a busy webhook, which asks when it is done.
    timer = setTimeout(ask, waitMs === 0 ? LOOK_MS : waitMs);
    timer.unref();
  }

  async function deliver(delivery: DueDelivery): Promise<void> {
    const { id, webhook, failures } = delivery;
    try {
      const outcome = await sender.send(delivery, delivery, stopping.signal);
      // Cut off by the server's own stop: it is sent again after the start.
      if (!outcome.isTaken && stopping.signal.aborted) return;
      const wait = outcome.isTaken ? null : waitAfter(failures + 1, random());
      const nowMs = clock();
      await stores.webhooks.tried(id, outcome, wait === null ? null : nowMs + wait, nowMs);
      if (!outcome.isTaken) {
        const fields = { component: 'webhooks', webhook, id, code: outcome.code, status: outcome.status };
        if (wait === null) log.warn(fields, 'webhook given up');
        else log.info({ ...fields, retryInMs: wait }, 'webhook not taken');
      }
    } catch (err) {
      // It is still waiting in the store.
      log.error({ err, component: 'webhooks', webhook, id }, 'webhook attempt not noted');
    }
  }

  const unsubscribe = stores.events.onAppend(ask);
  ask();
  return {
    /** Cuts off what is under way; it is sent again after the next start. */
    async stop() {
      stopping.abort();
      unsubscribe();
      if (timer) clearTimeout(timer);
      await looking;
      await Promise.all(busy.values());
    },
  };
}
