import { chmod, rm } from 'node:fs/promises';
import { connect, type ListenOptions, type Server } from 'node:net';
import { CodedError } from '@ringfleet/shared/errors';
import { isLoopback } from './local-origin.ts';

/** Throws SERVING_LISTEN_FAILED for an address that others could reach: it would need an identity. */
export function expectLoopback(host: string): void {
  if (!isLoopback(host)) {
    throw new CodedError('SERVING_LISTEN_FAILED', `${host} is not a loopback address`, { at: host });
  }
}

/** Listens on TCP and says the port; `key` is what people call the setting. Throws PORT_IN_USE, SERVING_LISTEN_FAILED. */
export async function listenOnPort(server: Server, host: string, port: number, key: string): Promise<number> {
  await listen(server, { host, port }, `${host}:${port} (${key})`);
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}

/**
 * Listens on a Unix socket, 0660: its folder decides who reaches it. A file that nobody listens at, as a killed agent
 * leaves it, is removed. Throws PORT_IN_USE, SERVING_LISTEN_FAILED.
 */
export async function listenOnSocket(server: Server, path: string, key: string): Promise<void> {
  await removeStale(path, key);
  await listen(server, { path }, `${path} (${key})`);
  await chmod(path, 0o660);
}

function listen(server: Server, where: ListenOptions, at: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'SERVING_LISTEN_FAILED';
      reject(new CodedError(code, `cannot listen at ${at}: ${cause.message}`, { cause, at }));
    });
    server.listen(where, () => resolve());
  });
}

function removeStale(path: string, key: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = connect(path, () => {
      probe.destroy();
      reject(new CodedError('PORT_IN_USE', `another program listens at ${path} (${key})`, { at: key }));
    });
    probe.once('error', (err: NodeJS.ErrnoException) => {
      if (err.code !== 'ECONNREFUSED') resolve();
      else rm(path, { force: true }).then(resolve, reject);
    });
  });
}
