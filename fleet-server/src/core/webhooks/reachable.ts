import { CodedError } from '@ringfleet/shared/errors';
import ipaddr from 'ipaddr.js';

/** On premises: what an origin in webhooks.allow may resolve to, besides the open internet. */
const ON_PREMISES: ReadonlySet<string> = new Set(['private', 'loopback', 'uniqueLocal', 'carrierGradeNat']);
/** Answers inside of every Azure machine, although it looks like any public address. */
const AZURE_METADATA = '168.63.129.16';
const PORTS: ReadonlySet<string> = new Set(['', '8443']);
const MAX_URL = 2_048;

/**
 * Where a webhook may go: https on 443 or 8443. An origin (`http://10.0.0.5:9093`) that the server's owner allows may have
 * any scheme and port. Throws WEBHOOK_URL_INVALID, and WEBHOOK_ADDRESS_FORBIDDEN for an address written as numbers.
 */
export function checkWebhookUrl(text: string, allowed: readonly string[]): URL {
  const url = URL.parse(text);
  const refuse = (why: string): never => {
    throw new CodedError('WEBHOOK_URL_INVALID', why, { at: 'url' });
  };
  if (!url || text.length > MAX_URL) return refuse('the text is no address');
  if (url.username !== '' || url.password !== '') return refuse('the address holds a name or a password');
  if (!['https:', 'http:'].includes(url.protocol)) return refuse(`${url.protocol} is not https`);
  const isAllowed = allowed.includes(url.origin);
  if (!isAllowed && url.protocol !== 'https:') return refuse(`${url.origin} is not https`);
  if (!isAllowed && !PORTS.has(url.port)) return refuse(`port ${url.port} is neither 443 nor 8443`);
  const host = hostOf(url);
  if (ipaddr.isValid(host)) requireReachable(url, host, isAllowed);
  return url;
}

/** The host as resolvers and sockets take it: an IPv6 address without its brackets. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');

/**
 * Whether a connection for this URL may go to this address. Nothing but the open internet; on premises also private
 * networks and loopback. Never link-local (where clouds keep their metadata), multicast, unspecified, or an IPv4 address
 * in an IPv6 disguise. Throws WEBHOOK_ADDRESS_FORBIDDEN.
 */
export function requireReachable(url: URL, address: string, isAllowed: boolean): void {
  const kind = kindOf(address);
  if (kind === 'unicast' || (isAllowed && ON_PREMISES.has(kind))) return;
  throw new CodedError('WEBHOOK_ADDRESS_FORBIDDEN', `${url.hostname} is ${address}, which is ${kind}`, {
    at: 'url',
  });
}

/** A range of ipaddr.js; `unicast` is the open internet. */
function kindOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'no address';
  const parsed = ipaddr.parse(address);
  if (address === AZURE_METADATA) return 'metadata';
  const range = parsed.range();
  // What IANA has not given out as global (RFC 4291 2.4) is translated, tunnelled or reserved.
  if (parsed.kind() === 'ipv6' && range === 'unicast' && (parsed.toByteArray()[0] ?? 0) >> 5 !== 1)
    return 'reserved';
  return range;
}
