import { JournalClient } from '../../../agent/src/adapters/journal-client.ts';
import { SqliteJournal } from '../../../agent/src/adapters/journal-sqlite.ts';
import { sha256OfFile } from '../../../agent/src/adapters/sha256-file.ts';
import type { Hasher } from '../../../agent/src/ports/hasher.ts';
import type { Journal, Opened } from '../../../agent/src/ports/journal.ts';
import type { TimeStore } from '../../../agent/src/ports/time-store.ts';
import type { TrustStore } from '../../../agent/src/ports/trust-store.ts';

export interface OpenJournal {
  readonly journal: Journal & TrustStore & TimeStore & Hasher;
  readonly opened: Opened;
}

/** Whose device it is, and where. */
export interface JournalPlace {
  readonly stateDir: string;
  readonly fleet: string;
  readonly device: string;
}

/** As the agent has it: databases, hashing and trust in their own thread. */
export async function inThread(place: JournalPlace): Promise<OpenJournal> {
  const { client, opened } = await JournalClient.open({ ...place, maxOutboxBytes: 1e7 });
  return { journal: client, opened };
}

/** The same parts in this thread, where a mutation run can reach into them. */
export async function inPlace({ stateDir, fleet, device }: JournalPlace): Promise<OpenJournal> {
  const journal = new SqliteJournal({ stateDir, maxOutboxBytes: 1e7 });
  const { trust } = journal;
  trust.setDevice(fleet, device);
  return {
    opened: journal.opened,
    journal: {
      save: async (change) => journal.save(change),
      writeTelemetry: async (...args) => journal.writeTelemetry(...args),
      window: async (limits) => journal.window(limits),
      acknowledge: async (ack, atMs) => journal.acknowledge(ack, atMs),
      stats: async () => journal.stats(),
      oldest: async () => journal.oldest(),
      close: async () => journal.close(),
      refreshRoot: async (fetched, nowMs) => trust.refreshRoot(fetched, nowMs),
      confirm: async (release) => trust.confirm(release),
      kept: async () => trust.kept(),
      verifyWipe: async (document, done, nowMs) => trust.verifyWipe(document, done, nowMs),
      inspect: async (document, nowMs) => trust.inspect(document, nowMs),
      accept: async (document, fetched, nowMs) => trust.accept(document, fetched, nowMs),
      takeBundle: async (carried, nowMs, isTrial) => trust.takeBundle(carried, nowMs, isTrial),
      timeBasis: async () => trust.timeBasis(),
      acceptTime: async (reply, nonce, nowMs) => trust.acceptTime(reply, nonce, nowMs),
      sha256OfFile,
    },
  };
}
