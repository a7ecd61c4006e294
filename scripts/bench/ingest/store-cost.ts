import type { Envelope } from '@ringfleet/shared/protocol';
import { openStores } from '../../../fleet-server/src/adapters/store-sqlite/index.ts';
import { SILENT } from '../../../fleet-server/src/ports/log.ts';
import type { FleetFolder } from './fleet-folder.ts';
import { heartbeat } from './heartbeat.ts';

export const JOURNAL = '01980000-0000-7000-8000-00000000000a';
const WARM_UP = 20;
const ROUNDS = 60;

/**
 * Processor time in µs for one heartbeat in the store alone: validated, raw row, counts by time, what the device runs, and two
 * commits. One of each device arrives at a time, as in a fleet; nothing of the network.
 */
export async function storeCost(dataDir: string, { devices, digest }: FleetFolder): Promise<number> {
  const stores = openStores(dataDir, { log: SILENT });
  try {
    const nowMs = Date.now();
    const made = (seq: number): readonly { device: string; envelope: Envelope }[] =>
      devices.map(({ id }, i) => ({
        device: id,
        envelope: {
          v: 1,
          id: { journal: JOURNAL, start: 1, stream: 'tele', seq },
          at: nowMs + seq,
          body: heartbeat(digest, nowMs - 3_600_000 + seq * 10_000, seq * devices.length + i),
        },
      }));
    let cpuUs = 0;
    for (let round = 1; round <= WARM_UP + ROUNDS; round++) {
      const sent = made(round);
      const before = process.cpuUsage();
      await Promise.all(sent.map(({ device, envelope }) => stores.reports.ingest(device, [envelope], nowMs)));
      const { user, system } = process.cpuUsage(before);
      if (round > WARM_UP) cpuUs += user + system;
    }
    return cpuUs / (ROUNDS * devices.length);
  } finally {
    stores.close();
  }
}
