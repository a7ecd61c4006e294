import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPki } from '../adapters/pki.ts';
import { SILENT } from '../ports/log.ts';

export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Receiver {
  /** https://receiver.test:PORT; the name exists only in a test's own resolver. */
  readonly origin: string;
  readonly port: number;
  readonly ca: string;
  readonly received: Received[];
  /** TCP connections so far. */
  connections(): number;
  /** What it does from now on; 204 unless a test says otherwise. */
  answers(answer: (request: IncomingMessage, response: ServerResponse) => void): void;
  close(): Promise<void>;
}

/** For tests: somebody else's HTTPS server, on loopback. */
export async function startReceiver(host = 'receiver.test'): Promise<Receiver> {
  const folder = await mkdtemp(join(tmpdir(), 'ringfleet-receiver-'));
  const pki = await openPki(folder, { fleet: 'other', publicHost: host, nowMs: Date.now(), log: SILENT });
  await rm(folder, { recursive: true });
  const received: Received[] = [];
  let connections = 0;
  let answer = (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(204).end();
  };
  const server = createServer(pki.serverTls, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    received.push({ path: request.url ?? '', headers: request.headers as Record<string, string>, body });
    answer(request, response);
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `https://${host}:${port}`,
    port,
    ca: pki.caPem,
    received,
    connections: () => connections,
    answers: (next) => {
      answer = next;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
