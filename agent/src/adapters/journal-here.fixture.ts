import type { Hasher } from '../ports/hasher.ts';
import type { Journal, Opened } from '../ports/journal.ts';
import type { TimeStore } from '../ports/time-store.ts';
import type { TrustStore } from '../ports/trust-store.ts';
import { SqliteJournal } from './journal-sqlite.ts';
import { sha256OfFile } from './sha256-file.ts';

export interface OpenJournal {
  readonly journal: Journal & TrustStore & TimeStore & Hasher;
  readonly opened: Opened;
}

/** Whose device it is, and where. */
export interface JournalPlace {
  readonly stateDir: string;
  readonly fleet: string;
  readonly device: string;
  /** Of this start of the machine; the kernel's unless said. */
  readonly bootId?: string;
}

/** The parts of the journal's thread in this thread: as durable, and without the seconds that a thread takes to start. */
export async function openJournalHere({ fleet, device, ...place }: JournalPlace): Promise<OpenJournal> {
  const journal = new SqliteJournal({ ...place, maxOutboxBytes: 1e7 });
  const { trust } = journal;
  let isOpen = true;
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
      lastStored: async () => journal.lastStored(),
      close: async () => {
        if (isOpen) journal.close();
        isOpen = false;
      },
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
