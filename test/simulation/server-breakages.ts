import type { Stores } from '../../fleet-server/src/ports/stores.ts';
import type { Breakage } from './breakage.ts';
import type { Production } from './production.ts';

const storesWith =
  (change: (stores: Stores) => Partial<Stores>): Production['stores'] =>
  (stores) => ({ ...stores, ...change(stores) });

/** The same store with some methods replaced; methods use no `this`. */
const but = <T extends object>(store: T, change: Partial<T>): T => ({ ...store, ...change });

/** Mistakes in what the server keeps, counts and reads back. */
export const SERVER_BREAKAGES: readonly Breakage[] = [
  {
    name: 'round-up-the-share',
    mistake: 'a share is rounded up once too often',
    noticedBy: ['exposesOnlyOpenedRings'],
    withinSeeds: 3,
    wrap: () => ({
      stores: storesWith(({ rings }) => ({
        rings: but(rings, {
          list: async () =>
            (await rings.list()).map((ring) => ({
              ...ring,
              shareBasisPoints: ring.shareBasisPoints && Math.min(10_000, ring.shareBasisPoints + 1_500),
            })),
        }),
      })),
    }),
  },
  {
    name: 'count-a-duplicate',
    mistake: 'a report that comes twice is stored under a second key and counted twice',
    noticedBy: ['noReportCountsTwice'],
    withinSeeds: 3,
    wrap: () => ({
      stores: storesWith(({ reports }) => {
        const seen = new Set<string>();
        const ingest: typeof reports.ingest = async (device, envelopes, atMs) => {
          const again = envelopes.filter(({ id }) => {
            const key = `${device} ${id.start} ${id.stream} ${id.seq}`;
            return seen.has(key) || !seen.add(key);
          });
          const acks = await reports.ingest(device, envelopes, atMs);
          const journal = '00000000-0000-7000-8000-000000000000';
          const tele = again.filter(({ id }) => id.stream === 'tele');
          for (const { id, ...rest } of tele) {
            await reports.ingest(
              device,
              [{ ...rest, id: { ...id, journal, seq: seen.size * 64 + id.seq } }],
              atMs,
            );
          }
          return acks;
        };
        return { reports: but(reports, { ingest }) };
      }),
    }),
  },
  {
    name: 'acknowledge-before-storing',
    mistake: 'a report is acknowledged, and lost when the server dies before it is stored',
    noticedBy: ['noAcknowledgedReportIsLost', 'nothingIsOfferedForEver', 'reportedIsTrue', 'comesToRest'],
    withinSeeds: 10,
    wrap: () => ({
      stores: storesWith(({ reports }) => {
        let calls = 0;
        const ingest: typeof reports.ingest = async (device, envelopes, atMs) => {
          calls += 1;
          if (calls % 50 !== 0) return reports.ingest(device, envelopes, atMs);
          return envelopes.map(({ id: { seq, ...sequence } }) => ({
            v: 1 as const,
            ...sequence,
            storedUpTo: seq,
            quarantined: [],
          }));
        };
        return { reports: but(reports, { ingest }) };
      }),
    }),
  },
  {
    name: 'restore-counts-on-from-the-backup',
    mistake: 'after a restore generations go on from the backup, below what devices have accepted',
    noticedBy: ['comesToRest', 'nothingIsOfferedForEver', 'desiredIsRunOrBarred'],
    withinSeeds: 20,
    wrap: () => ({
      stores: storesWith(({ devices }) => ({
        devices: but(devices, {
          get: async (id) => {
            const device = await devices.get(id);
            return device && { ...device, acceptedGeneration: 0 };
          },
        }),
      })),
    }),
  },
  {
    name: 'ask-at-every-hello',
    mistake:
      'a device is asked at every contact for a report that is missing here, as if it had never been asked',
    noticedBy: ['asksOnceForWhatIsLost'],
    withinSeeds: 3,
    wrap: () => ({
      stores: storesWith(({ devices }) => ({
        devices: but(devices, {
          hello: async (id, hello, atMs, isRivalAlive) => {
            const { lastStored } = hello;
            // What it was asked last is another report each time, so that no question is known.
            const missing = lastStored && { ...lastStored, seq: 1_000_000 + lastStored.seq };
            for (const other of missing ? [missing, { ...missing, seq: missing.seq + 1 }] : [])
              await devices.hello(id, { ...hello, lastStored: other }, atMs, isRivalAlive);
            return devices.hello(id, hello, atMs, isRivalAlive);
          },
        }),
      })),
    }),
  },
];
