import type { IncomingHttpHeaders } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * On a loopback port every web page a person opens could reach the models: through its own origin, or through a name
 * that it lets point here (DNS rebinding). Throws HOST_NOT_ALLOWED unless both headers name this machine.
 */
export function expectLocal(headers: IncomingHttpHeaders): void {
  const { host, origin } = headers;
  if (host === undefined || !LOOPBACK.has(hostNameOf(`http://${host}`))) {
    throw new CodedError('HOST_NOT_ALLOWED', 'the Host header does not name this machine');
  }
  if (origin !== undefined && !LOOPBACK.has(hostNameOf(origin))) {
    throw new CodedError('HOST_NOT_ALLOWED', 'the Origin header names another site');
  }
}

export const isLoopback = (host: string): boolean => LOOPBACK.has(host) || host === '::1';

function hostNameOf(url: string): string {
  return URL.parse(url)?.hostname ?? '';
}
