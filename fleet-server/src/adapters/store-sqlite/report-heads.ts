import type { ReportId } from '@ringfleet/shared/protocol';
import type { ControlDatabase } from './control-database.ts';

/** One numbered sequence of a device: journal, start and stream. */
export type Sequence = Omit<ReportId, 'seq'>;

export interface Head {
  /** Everything in base..storedUpTo is settled. */
  readonly base: number;
  readonly storedUpTo: number;
  /** How many numbers were passed over when it was opened: acknowledged once, and lost here since. */
  readonly lost?: number;
}

export interface ReportHeads {
  /**
   * The head of a sequence, for numbers from `base` on: at first contact it starts there, and a known one that ends
   * before jumps there (the server lost rows that the device has forgotten; both know from the device's hello).
   */
  open(device: string, sequence: Sequence, base: number): Head;
  isSettled(device: string, id: ReportId): boolean;
  /** Marks one number as settled and answers the head after it. */
  settle(device: string, id: ReportId): Head;
}

/** Which numbers have been settled, without a row per report: one head per sequence, and islands ahead of it. */
export function reportHeads(db: ControlDatabase): ReportHeads {
  type Key = [string, string, number, string];
  const where = 'device = ? AND journal = ? AND start = ? AND stream = ?';
  const head = db.prepare<Key, { base: number; stored_up_to: number }>(
    `SELECT base, stored_up_to FROM report_heads WHERE ${where}`,
  );
  const insertHead = db.prepare<[...Key, number, number]>(
    'INSERT INTO report_heads VALUES (?, ?, ?, ?, ?, ?)',
  );
  const moveHead = db.prepare<[number, ...Key]>(`UPDATE report_heads SET stored_up_to = ? WHERE ${where}`);
  const island = db.prepare<[...Key, number], { ok: number }>(
    `SELECT 1 AS ok FROM report_islands WHERE ${where} AND seq = ?`,
  );
  const islands = db.prepare<[...Key, number], { n: number }>(
    `SELECT count(*) AS n FROM report_islands WHERE ${where} AND seq < ?`,
  );
  const insertIsland = db.prepare<[...Key, number]>(
    'INSERT OR IGNORE INTO report_islands VALUES (?, ?, ?, ?, ?)',
  );
  const removeIsland = db.prepare<[...Key, number]>(`DELETE FROM report_islands WHERE ${where} AND seq = ?`);

  const keyOf = (device: string, { journal, start, stream }: Sequence): Key => [
    device,
    journal,
    start,
    stream,
  ];
  function read(key: Key): Head | null {
    const row = head.get(...key);
    return row ? { base: row.base, storedUpTo: row.stored_up_to } : null;
  }

  /** Moves the head to `upTo` and over the islands that follow it. */
  function move(key: Key, base: number, upTo: number): Head {
    let storedUpTo = upTo;
    while (removeIsland.run(...key, storedUpTo + 1).changes === 1) storedUpTo += 1;
    moveHead.run(storedUpTo, ...key);
    return { base, storedUpTo };
  }

  return {
    open(device, sequence, base) {
      const key = keyOf(device, sequence);
      const known = read(key);
      if (known && known.storedUpTo >= base - 1) return known;
      if (known) {
        const between = islands.get(...key, base)?.n ?? 0;
        return { ...move(key, known.base, base - 1), lost: base - 1 - known.storedUpTo - between };
      }
      insertHead.run(...key, base, base - 1);
      return { base, storedUpTo: base - 1 };
    },
    isSettled(device, id) {
      const key = keyOf(device, id);
      const known = read(key);
      if (known && id.seq >= known.base && id.seq <= known.storedUpTo) return true;
      return island.get(...key, id.seq) !== undefined;
    },
    settle(device, id) {
      const key = keyOf(device, id);
      const known = read(key);
      if (!known) throw new Error('open the sequence first');
      if (id.seq === known.storedUpTo + 1) return move(key, known.base, id.seq);
      insertIsland.run(...key, id.seq);
      return known;
    },
  };
}
