import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { CodedError } from '@ringfleet/shared/errors';

/** `webhooks:` of server.yaml. */
export interface WebhookKeys {
  readonly allow: readonly string[];
  readonly caFile: string | null;
}

/** The certificates to trust, where there are more than the system's. Throws FILE_UNREADABLE. */
export function webhookAuthorities({ caFile }: WebhookKeys): { readonly ca?: readonly string[] } {
  if (caFile === null) return {};
  try {
    return { ca: [...getCACertificates('default'), readFileSync(caFile, 'utf8')] };
  } catch (cause) {
    throw new CodedError('FILE_UNREADABLE', caFile, { cause, at: 'webhooks.caFile' });
  }
}
