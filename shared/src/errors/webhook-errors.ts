import type { CatalogPart } from './error-class.ts';

/** What the server tells other systems, and where it may reach. */
export const WEBHOOK_ERRORS = {
  WEBHOOK_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The fleet has no webhook of this name.',
    remedy: 'Look at `ringfleet webhook list`.',
  },
  TOO_MANY_WEBHOOKS: {
    class: 'CONFLICT',
    sentence: 'The fleet has as many webhooks as it can.',
    remedy: 'Delete one that is not needed, or let one receiver pass the messages on.',
  },
  WEBHOOK_URL_INVALID: {
    class: 'INPUT',
    sentence: 'A webhook has an https address on port 443 or 8443, without name and password in it.',
    remedy:
      'Give such an address, or add its origin to webhooks.allow in server.yaml if it is on your premises.',
  },
  WEBHOOK_ADDRESS_FORBIDDEN: {
    class: 'INPUT',
    sentence:
      'The webhook leads to this machine, into a private network, or to another place it may not reach.',
    remedy: 'Add the origin to webhooks.allow in server.yaml if the receiver is on your premises.',
  },
  WEBHOOK_UNREACHABLE: {
    class: 'SITE',
    sentence: 'The receiver of the webhook cannot be reached.',
    remedy:
      'Check its name, its certificate (webhooks.caFile for a private authority) and the network between.',
  },
  WEBHOOK_TIMEOUT: {
    class: 'SITE',
    sentence: 'The receiver of the webhook did not answer in time.',
    remedy: 'Let it answer 2xx at once and do its work afterwards.',
  },
  WEBHOOK_REDIRECTED: {
    class: 'SITE',
    sentence: 'The receiver of the webhook answers with a redirect, which is never followed.',
    remedy: 'Set the webhook to the final address.',
  },
  WEBHOOK_NOT_TAKEN: {
    class: 'SITE',
    sentence: 'The receiver of the webhook did not answer 2xx.',
    remedy: 'Look into its log for the webhook-id; the signature is explained in docs/webhooks.md.',
  },
} as const satisfies CatalogPart;
