import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';
import type { Address } from './proxy-choice.ts';

/** How OpenSSL reads an answer that is not TLS. */
const NOT_TLS = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST'];
const NO_NAME = ['ENOTFOUND', 'EAI_AGAIN'];
const MAX_ISSUER = 200;

/** Why a connection could not be made, with a code that says where to look. */
export function connectionFault(cause: NodeJS.ErrnoException, { host, port }: Address): CodedError {
  if (cause instanceof CodedError) return cause;
  const at = `${host}:${port}`;
  const [code, words] = NO_NAME.includes(cause.code ?? '')
    ? (['NAME_NOT_RESOLVED', `no address is known for it (${cause.code})`] as const)
    : NOT_TLS.includes(cause.code ?? '')
      ? (['FOREIGN_ANSWER', 'the answer was not TLS'] as const)
      : (['SERVER_UNREACHABLE', cause.message] as const);
  return new CodedError(code, `${at}: ${words}`, { cause, at });
}

/** A chain that does not lead to the fleet's authority; `fault` says how that showed. */
export function interception(
  fault: string,
  shown: readonly Uint8Array[],
  { host, port }: Address,
): CodedError {
  const [leaf] = shown;
  const issuer = leaf === undefined ? 'nobody' : new X509Certificate(leaf).issuer;
  // A stranger wrote it.
  const named = issuer.replace(/[^\x20-\x7e\u00a0-\uffff]+/g, ', ').slice(0, MAX_ISSUER);
  const at = `${host}:${port}`;
  return new CodedError('TLS_INTERCEPTED', `${at}: ${fault}; it was issued by "${named}"`, { at });
}

/** Refuses what no fleet server answers: a page for people, or the way to one. Throws FOREIGN_ANSWER. */
export function refuseForeign({ statusCode = 0, headers }: IncomingMessage, url: string): void {
  const isPage = (headers['content-type'] ?? '').toLowerCase().startsWith('text/html');
  const isElsewhere = statusCode >= 300 && statusCode < 400 && statusCode !== 304;
  if (!isPage && !isElsewhere && statusCode !== 511) return;
  const { origin, pathname } = new URL(url);
  const what = isPage ? 'a page for people' : 'a way to another place';
  throw new CodedError('FOREIGN_ANSWER', `${origin}: status ${statusCode} with ${what}`, { at: pathname });
}
