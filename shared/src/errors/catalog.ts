import { AGENT_ERRORS } from './agent-errors.ts';
import { BUNDLE_ERRORS } from './bundle-errors.ts';
import { CEREMONY_ERRORS } from './ceremony-errors.ts';
import { CLI_ERRORS } from './cli-errors.ts';
import { COMMON_ERRORS } from './common-errors.ts';
import { DEVICE_CONTACT_ERRORS } from './device-contact-errors.ts';
import type { CatalogEntry } from './error-class.ts';
import { NETWORK_ERRORS } from './network-errors.ts';
import { PEOPLE_ERRORS } from './people-errors.ts';
import { PROTOCOL_ERRORS } from './protocol-errors.ts';
import { RELEASE_ERRORS } from './release-errors.ts';
import { ROLLOUT_ERRORS } from './rollout-errors.ts';
import { SERVER_ERRORS } from './server-errors.ts';
import { SERVING_ERRORS } from './serving-errors.ts';
import { TRUST_ERRORS } from './trust-errors.ts';
import { WEBHOOK_ERRORS } from './webhook-errors.ts';

/** Every code of the product, once. Codes are never renamed; `docs/errors.md` is generated from this. */
export const CATALOG = {
  ...COMMON_ERRORS,
  ...NETWORK_ERRORS,
  ...PROTOCOL_ERRORS,
  ...RELEASE_ERRORS,
  ...TRUST_ERRORS,
  ...CEREMONY_ERRORS,
  ...BUNDLE_ERRORS,
  ...AGENT_ERRORS,
  ...SERVING_ERRORS,
  ...SERVER_ERRORS,
  ...DEVICE_CONTACT_ERRORS,
  ...CLI_ERRORS,
  ...ROLLOUT_ERRORS,
  ...PEOPLE_ERRORS,
  ...WEBHOOK_ERRORS,
} as const;

export type ErrorCode = keyof typeof CATALOG;

/** The catalogue's row for a code that may come from a newer peer; undefined when this side does not know it. */
export function lookUpCode(code: string): CatalogEntry | undefined {
  return Object.hasOwn(CATALOG, code) ? CATALOG[code as ErrorCode] : undefined;
}
