import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { CodedError } from '@ringfleet/shared/errors';
import type { Address } from './proxy-choice.ts';

const TIMEOUT_MS = 15_000;
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * A connection to `to` through an HTTP proxy (CONNECT, RFC 9110 §9.3.6), or through one that is itself spoken to over TLS.
 * Throws PROXY_UNREACHABLE, PROXY_REFUSED, FOREIGN_ANSWER.
 */
export function connectThrough(proxy: URL, to: Address, signal?: AbortSignal): Promise<Duplex> {
  const isTls = proxy.protocol === 'https:';
  const target = `${to.host.includes(':') ? `[${to.host}]` : to.host}:${to.port}`;
  return new Promise((resolve, reject) => {
    const req = (isTls ? tlsRequest : plainRequest)({
      method: 'CONNECT',
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: Number(proxy.port || (isTls ? 443 : 80)),
      path: target,
      headers: { host: target, ...credentialsOf(proxy) },
      agent: false,
      timeout: TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      ...(signal ? { signal } : {}),
    });
    // The whole answer counts, not only the silence before it.
    const timer = setTimeout(() => req.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
    req.once('close', () => clearTimeout(timer));
    req.on('error', (cause) => {
      clearTimeout(timer);
      reject(
        new CodedError('PROXY_UNREACHABLE', `${proxy.host}: ${cause.message}`, { cause, at: proxy.host }),
      );
    });
    req.once('connect', ({ statusCode = 0 }, socket, head) => {
      clearTimeout(timer);
      if (statusCode === 200) {
        socket.setTimeout(0);
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(refusal(proxy, target, statusCode));
    });
    req.end();
  });
}

function refusal(proxy: URL, target: string, status: number): CodedError {
  // 511: a network that wants a person to sign in (RFC 6585); a redirection leads to its page.
  const code = status === 511 || (status >= 300 && status < 400) ? 'FOREIGN_ANSWER' : 'PROXY_REFUSED';
  const why = status === 407 ? ': it wants a user and a password' : '';
  return new CodedError(code, `${proxy.host} answered ${status} to CONNECT ${target}${why}`, {
    at: proxy.host,
  });
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
