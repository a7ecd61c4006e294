import { parentPort } from 'node:worker_threads';
import { type CallMessage, type JournalCall, type JournalCalls, packError } from './journal-messages.ts';
import { SqliteJournal } from './journal-sqlite.ts';
import { sha256OfFile } from './sha256-file.ts';

type Handlers = {
  [K in JournalCall]: (
    ...args: JournalCalls[K]['args']
  ) => JournalCalls[K]['result'] | Promise<JournalCalls[K]['result']>;
};

/** The worker thread: SQLite, hashing and trust, so that a slow disk never delays an answer (DESIGN §6 "Processes"). */
function handlers(): Handlers {
  let journal: SqliteJournal | null = null;
  const opened = (): SqliteJournal => {
    if (!journal) throw new Error('the journal is not open');
    return journal;
  };
  return {
    open: ({ fleet, device, ...options }) => {
      journal = new SqliteJournal(options);
      journal.trust.setDevice(fleet, device);
      return journal.opened;
    },
    save: (change) => void opened().save(change),
    writeTelemetry: (atMs, body, isPrompt) => void opened().writeTelemetry(atMs, body, isPrompt),
    window: (limits) => opened().window(limits),
    acknowledge: (ack, atMs) => opened().acknowledge(ack, atMs),
    stats: () => opened().stats(),
    oldest: () => opened().oldest(),
    lastStored: () => opened().lastStored(),
    timeBasis: () => opened().trust.timeBasis(),
    acceptTime: (reply, nonce, nowMs) => opened().trust.acceptTime(reply, nonce, nowMs),
    refreshRoot: (fetched, nowMs) => opened().trust.refreshRoot(fetched, nowMs),
    confirm: (release) => opened().trust.confirm(release),
    kept: () => opened().trust.kept(),
    verifyWipe: (document, done, nowMs) => opened().trust.verifyWipe(document, done, nowMs),
    inspect: (document, nowMs) => opened().trust.inspect(document, nowMs),
    accept: (document, fetched, nowMs) => opened().trust.accept(document, fetched, nowMs),
    takeBundle: (carried, nowMs, isTrial) => opened().trust.takeBundle(carried, nowMs, isTrial),
    sha256OfFile,
    close: () => {
      journal?.close();
      journal = null;
      return undefined;
    },
  };
}

const port = parentPort;
if (port) {
  const table = handlers() as Record<JournalCall, (...args: readonly unknown[]) => unknown>;
  port.on('message', (message: CallMessage) => {
    // One after the other for everything synchronous; only hashing interleaves.
    void (async () => {
      try {
        const result = await table[message.call](...message.args);
        port.postMessage({ id: message.id, ok: true, result });
      } catch (err) {
        port.postMessage({ id: message.id, ok: false, error: packError(err) });
      }
    })();
  });
}
