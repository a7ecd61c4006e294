import { once } from 'node:events';
import type { Server } from 'node:net';

/** Of both device listeners: tickets live for a day, under a name that does not change with the command line. */
export const SESSIONS = { sessionTimeout: 86_400, sessionIdContext: 'ringfleet-devices' } as const;

/** Each listener takes this many connections and no more; what stands above it is closed at once. */
export const MAX_CONNECTIONS = 20_000;
export const HANDSHAKE_MS = 15_000;

/** Resolves when the server listens, rejects with the system's error when it cannot. */
export async function listenOn(server: Server, host: string, port: number): Promise<void> {
  const isListening = once(server, 'listening');
  server.listen(port, host);
  await isListening;
}
