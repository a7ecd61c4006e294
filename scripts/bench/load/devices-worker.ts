import { setTimeout as sleep } from 'node:timers/promises';
import type { SimulatedDevice } from '../ingest/fleet-folder.ts';
import { answerAsked } from './answer-asked.ts';
import { type Server, SimulatedLink } from './simulated-link.ts';

/**
 * What the worker is asked. `send`: so many heartbeats of each device, so many unacknowledged at once. `storm`: the server has
 * gone; each device comes back within the window as often as it takes, and sends one heartbeat.
 */
export type DevicesAsked =
  | { readonly kind: 'connect'; readonly server: Server; readonly devices: readonly SimulatedDevice[] }
  | { readonly kind: 'send'; readonly reports: number; readonly window: number }
  | { readonly kind: 'storm'; readonly windowMs: number; readonly deadlineMs: number };

export interface DevicesAnswer {
  /** Heartbeats that the server has said to have stored, end to end. */
  readonly acknowledged: number;
  /** By device: everything up to this number. */
  readonly storedUpTo: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** Devices that are connected now, and those of them whose last handshake was resumed. */
  readonly connected: number;
  readonly resumed: number;
}

const AT_ONCE = 16;
const RETRY_MS = 5_000;
const links: SimulatedLink[] = [];
let server: Server = { url: '', ca: '', digest: '' };

/** Devices in a process of their own: what they cost is not the server's. */
answerAsked<DevicesAsked, DevicesAnswer>(async (asked) => {
  switch (asked.kind) {
    case 'connect':
      server = asked.server;
      links.push(...asked.devices.map((device) => new SimulatedLink(device)));
      for (let from = 0; from < links.length; from += AT_ONCE) {
        await Promise.all(links.slice(from, from + AT_ONCE).map((link) => link.connect(server)));
      }
      break;
    case 'send':
      await Promise.all(links.map((link) => link.send(server.digest, asked.reports, asked.window)));
      break;
    case 'storm':
      await Promise.all(links.map((link) => comeBack(link, asked.windowMs, Date.now() + asked.deadlineMs)));
      break;
  }
  return {
    acknowledged: links.reduce((sum, { storedUpTo }) => sum + storedUpTo, 0),
    storedUpTo: Object.fromEntries(links.map(({ id, storedUpTo }) => [id, storedUpTo])),
    bytes: links.reduce((sum, link) => sum + link.bytes, 0),
    connected: links.filter(({ isConnected }) => isConnected).length,
    resumed: links.filter(({ isConnected, isResumed }) => isConnected && isResumed).length,
  };
});

/** Full jitter over the window, then a few seconds after each failure, as agents do. */
async function comeBack(link: SimulatedLink, windowMs: number, untilMs: number): Promise<void> {
  await sleep(Math.random() * windowMs);
  while (Date.now() < untilMs) {
    try {
      await link.connect(server);
      await link.send(server.digest, 1, 1);
      if (link.storedUpTo >= link.seq) return;
    } catch {
      // The server is not there yet, or has too much to do.
    }
    await sleep(Math.random() * RETRY_MS);
  }
}
