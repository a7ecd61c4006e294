import { once } from 'node:events';
import type { Server } from 'node:net';

/** Resolves when the server listens, rejects with the system's error when it cannot. */
export async function listenOn(server: Server, host: string, port: number): Promise<void> {
  const isListening = once(server, 'listening');
  server.listen(port, host);
  await isListening;
}
