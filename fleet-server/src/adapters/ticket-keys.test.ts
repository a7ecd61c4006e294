import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SESSIONS } from '../device-contact/listen.ts';
import { SILENT } from '../ports/log.ts';
import { openPki } from './pki.ts';
import { openTicketKeys } from './ticket-keys.ts';

const NOW_MS = Date.now();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-tickets-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('keeps its key to itself and over restarts, and changes it every day', async () => {
  const first = (await openTicketKeys(folder, NOW_MS)).current;
  expect((await stat(join(folder, 'keys', 'tickets.json'))).mode & 0o777).toBe(0o600);
  const again = await openTicketKeys(folder, NOW_MS + 1_000);
  expect(again.current.equals(first)).toBe(true);
  expect(await again.rotate(NOW_MS + 3_600_000)).toBe(false);
  expect(await again.rotate(NOW_MS + 86_400_000)).toBe(true);
  expect(again.current.equals(first)).toBe(false);
  expect((await openTicketKeys(folder, NOW_MS + 86_400_001)).current.equals(again.current)).toBe(true);
});

it('lets sessions be resumed after a restart', async () => {
  const pki = await openPki(folder, { fleet: 'lab', publicHost: '127.0.0.1', nowMs: NOW_MS, log: SILENT });
  /** One run of the server: whether the session that is shown was resumed, and a ticket of it when none was. */
  async function run(session?: Buffer): Promise<{ isReused: boolean; ticket: Buffer | undefined }> {
    const ticketKeys = (await openTicketKeys(folder, NOW_MS)).current;
    const server = createServer({ ...pki.serverTls, ...SESSIONS, ticketKeys }, (socket) => {
      socket.on('error', () => undefined);
      socket.write('x');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const host = { host: '127.0.0.1', port, ca: pki.caPem };
    const socket = connect({ ...host, ...(session ? { session } : {}) });
    const tickets: Buffer[] = [];
    socket.on('session', (ticket: Buffer) => tickets.push(ticket));
    // Tickets come before the first byte (TLS 1.3).
    await once(socket, 'data');
    const isReused = socket.isSessionReused();
    const isClosed = once(server, 'close');
    socket.destroy();
    server.close();
    await isClosed;
    return { isReused, ticket: tickets.at(-1) };
  }
  const { isReused, ticket } = await run();
  expect(isReused).toBe(false);
  expect((await run(ticket)).isReused).toBe(true);
});
