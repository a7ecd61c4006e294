import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { readClientLog } from './client-log.ts';

/** What the story comes to, read from what each side wrote down for itself after all processes have ended. */
export interface Judgement {
  readonly ok: boolean;
  readonly answers: number;
  readonly failedAnswers: number;
  readonly wrongAnswers: number;
  /** Reports that an agent's ledger holds and the server does not. */
  readonly reports: number;
  readonly lostReports: number;
  /** Rows of the server that no agent's ledger accounts for, one to one. */
  readonly doubledReports: number;
  readonly timeline: readonly TimelineEntry[];
}

export interface TimelineEntry {
  readonly atMs: number;
  readonly device: string;
  readonly ring: string | null;
  readonly model: string;
  /** Version that answered before, and the version this entry is about. */
  readonly from: string | null;
  readonly to: string | null;
  readonly state: string;
  readonly code: string | null;
}

/** A report an agent wrote less than this before its end may still wait in its outbox: stored there, not lost. */
const UNDER_WAY_MS = 5_000;

/** Reads the folder of an ended demo. Throws when a database is missing or is not what it should be. */
export function judge(dir: string): Judgement {
  const clients = [...readClientLog(join(dir, 'client', 'log.ndjson')).values()];
  const ledgers = agentIds(dir).flatMap((device) => readLedger(join(dir, 'agents', device), device));
  const stored = readServerRows(join(dir, 'server'));
  const keys = new Set(stored.map((row) => row.key));
  const lost = ledgers.filter((row) => isDue(row) && (row.key === null || !keys.has(row.key)));
  const known = new Set(ledgers.map((row) => row.key));
  const doubled = stored.filter((row) => !known.has(row.key));
  const sum = (of: (figures: (typeof clients)[number]) => number) => clients.reduce((n, c) => n + of(c), 0);
  const figures = {
    answers: sum((c) => c.answers),
    failedAnswers: sum((c) => c.failed),
    wrongAnswers: sum((c) => c.wrong),
    reports: stored.length,
    lostReports: lost.length,
    doubledReports: doubled.length,
  };
  const isOk =
    figures.answers > 0 &&
    stored.length > 0 &&
    figures.failedAnswers + figures.wrongAnswers + figures.lostReports + figures.doubledReports === 0;
  return { ok: isOk, ...figures, timeline: timelineOf(join(dir, 'server')) };
}

interface LedgerRow {
  /** Null before the report was first sent. */
  readonly key: string | null;
  readonly outcome: string | null;
  readonly writtenAtMs: number;
  readonly lastWrittenAtMs: number;
}

/** Merged heartbeats live on in another row; all others must be at the server once they are due. */
function isDue(row: LedgerRow): boolean {
  if (row.outcome === 'merged') return false;
  return row.outcome !== null || row.writtenAtMs < row.lastWrittenAtMs - UNDER_WAY_MS;
}

function readLedger(stateDir: string, device: string): LedgerRow[] {
  return reading(join(stateDir, 'control.db'), (db) =>
    db
      .prepare<
        [],
        {
          journal: string;
          start: number | null;
          stream: string;
          seq: number | null;
          outcome: string | null;
          at: number;
          last: number;
        }
      >(
        `SELECT journal, start, stream, seq, outcome, written_at AS at, MAX(written_at) OVER () AS last FROM report_ledger`,
      )
      .all()
      .map((row) => ({
        key:
          row.start === null || row.seq === null
            ? null
            : [device, row.journal, row.start, row.stream, row.seq].join('/'),
        outcome: row.outcome,
        writtenAtMs: row.at,
        lastWrittenAtMs: row.last,
      })),
  );
}

function readServerRows(dataDir: string): { key: string }[] {
  const control = reading(join(dataDir, 'control.db'), (db) =>
    db
      .prepare<[], { key: string }>(
        `SELECT device || '/' || journal || '/' || start || '/' || stream || '/' || seq AS key FROM reports
         UNION ALL
         SELECT device || '/' || journal || '/' || start || '/' || stream || '/' || seq FROM quarantined_reports`,
      )
      .all(),
  );
  const telemetry = reading(join(dataDir, 'telemetry.db'), (db) =>
    db
      .prepare<[], { key: string }>(
        `SELECT device || '/' || journal || '/' || start || '/tele/' || seq AS key FROM heartbeats`,
      )
      .all(),
  );
  return [...control, ...telemetry];
}

interface StateRow {
  readonly device: string;
  readonly ring: string | null;
  readonly at: number;
  readonly body: string;
}

function timelineOf(dataDir: string): TimelineEntry[] {
  const rows = reading(join(dataDir, 'control.db'), (db) =>
    db
      .prepare<[], StateRow>(
        `SELECT r.device, json_extract(d.labels, '$.stage') AS ring, r.at_ms AS at, r.body
         FROM reports r JOIN devices d ON d.id = r.device
         WHERE r.stream = 'state' ORDER BY r.at_ms, r.id`,
      )
      .all(),
  );
  const running = new Map<string, string | null>();
  return rows.map((row) => {
    const body = JSON.parse(row.body) as {
      model: string;
      phase: string;
      release?: { version: string };
      running?: { version: string };
      failure?: { code: string };
    };
    const before = running.get(row.device) ?? null;
    running.set(row.device, body.running?.version ?? null);
    return {
      atMs: row.at,
      device: row.device,
      ring: row.ring,
      model: body.model,
      from: before,
      to: body.release?.version ?? null,
      state: body.phase,
      code: body.failure?.code ?? null,
    };
  });
}

function agentIds(dir: string): string[] {
  return readdirSync(join(dir, 'agents'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

function reading<T>(path: string, read: (db: Database.Database) => T): T {
  if (!existsSync(path)) throw new Error(`${path} is missing`);
  const db = new Database(path, { readonly: true });
  try {
    return read(db);
  } finally {
    db.close();
  }
}
