import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import type { Identity } from './identity.ts';

/**
 * TLS towards the fleet server, with the device's certificate. The server must prove to be the enrolled host even when
 * the connection goes to another address (a relay, a tunnel): addresses are configuration, identity is not.
 */
export function serverTls(identity: Identity, enrolledUrl: string): ConnectionOptions {
  const host = new URL(enrolledUrl).hostname.replace(/^\[|\]$/g, '');
  return {
    key: identity.keyPem,
    cert: identity.certificatePem,
    ca: identity.caPem,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    // RFC 6066: an address is no server name.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  };
}
