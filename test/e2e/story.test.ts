import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Judgement, judge } from '../../scripts/demo/judge.ts';
import { type DemoRun, removeRun, runDemo } from './demo-run.ts';

const CANARY = 'meter-01';
const TWO_MINUTES_MS = 120_000;

describe('the whole story on one machine', () => {
  let run: DemoRun;
  let copies = 0;

  beforeAll(async () => {
    run = await runDemo();
  });
  afterAll(() => removeRun(run));

  /** Entries of the timeline about one version. */
  const about = (version: string) => run.line.timeline.filter((entry) => entry.to === version);

  it('ends well, within two minutes', () => {
    expect(run.line).toMatchObject({
      ok: true,
      failedAnswers: 0,
      wrongAnswers: 0,
      lostReports: 0,
      doubledReports: 0,
    });
    expect(run.exitCode).toBe(0);
    expect(run.line.answers).toBeGreaterThan(1_000);
    expect(run.tookMs).toBeLessThan(TWO_MINUTES_MS);
  });

  it('brings every device to the better release, the canary first', () => {
    const committed = about('1.1.0').filter((entry) => entry.state === 'idle' && entry.code === null);
    expect(new Set(committed.map((entry) => entry.device)).size).toBe(4);
    expect(committed[0]?.device).toBe(CANARY);
    const offered = about('1.1.0').filter((entry) => entry.state === 'offered' && entry.device !== CANARY);
    expect(Math.min(...offered.map((entry) => entry.atMs))).toBeGreaterThan(committed[0]?.atMs ?? 0);
  });

  it('stops the release with spoilt labels on the canary before it answers anyone', () => {
    expect(new Set(about('1.2.0').map((entry) => entry.device))).toEqual(new Set([CANARY]));
    expect(about('1.2.0').some((entry) => entry.state === 'activating')).toBe(false);
    expect(about('1.2.0').some((entry) => entry.code === 'ACCEPTANCE_OF_ACTIVE_FAILED')).toBe(true);
  });

  it('activates the hanging release on the canary only, and takes it back', () => {
    expect(new Set(about('1.3.0').map((entry) => entry.device))).toEqual(new Set([CANARY]));
    expect(about('1.3.0').some((entry) => entry.state === 'soaking')).toBe(true);
    const last = run.line.timeline.findLast((entry) => entry.device === CANARY);
    expect(last).toMatchObject({ state: 'idle' });
    expect(run.output).toMatch(/every device runs 1\.1\.0; the fleet ring never saw 1\.3\.0/);
  });

  it('says which release each device runs in a table', () => {
    for (const device of [CANARY, 'meter-02', 'meter-03', 'meter-04']) {
      expect(run.output).toMatch(new RegExp(`${device} +(canary|fleet) +1\\.1\\.0 +committed +\\d+ +0 +0`));
    }
  });

  /** Breaks one thing in a copy of what was written down, and judges the copy. */
  function judgeAfter(breakIt: (dir: string) => void): Judgement {
    copies += 1;
    const copy = join(run.dir, '..', `copy-${copies}`);
    cpSync(run.dir, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    breakIt(copy);
    return judge(copy);
  }

  it('notices a stored report that was deleted', () => {
    const after = judgeAfter((dir) =>
      change(join(dir, 'server/telemetry.db'), (rows) => `DELETE FROM ${rows} WHERE id = 3`),
    );
    expect(after).toEqual({
      ...judgedBefore(),
      ok: false,
      lostReports: 1,
      reports: judgedBefore().reports - 1,
    });
  });

  it('notices a report that was stored twice', () => {
    const after = judgeAfter((dir) =>
      change(
        join(dir, 'server/telemetry.db'),
        (rows) => `INSERT INTO ${rows} (device, journal, start, seq, at_ms, received_at_ms, sha256, body)
         SELECT device, journal, start, seq + 1000000, at_ms, received_at_ms, sha256, body FROM ${rows} WHERE id = 3`,
      ),
    );
    expect(after).toEqual({
      ...judgedBefore(),
      ok: false,
      doubledReports: 1,
      reports: judgedBefore().reports + 1,
    });
  });

  it('notices a response that never came', () => {
    const after = judgeAfter((dir) => {
      const lines = clientLines(dir);
      const at = lines.findIndex((line) => line.includes('"t":"got"'));
      saveClientLines(dir, lines.toSpliced(at, 1));
    });
    const before = judgedBefore();
    expect(after).toEqual({ ...before, ok: false, answers: before.answers - 1, failedAnswers: 1 });
  });

  it('notices an answer that does not match its label', () => {
    const after = judgeAfter((dir) => {
      const lines = clientLines(dir);
      const at = lines.findIndex((line) => line.includes('"t":"sent"'));
      const flipped = (lines[at] ?? '').replace(
        /"label":(\d)/,
        (_, digit) => `"label":${(Number(digit) + 1) % 10}`,
      );
      saveClientLines(dir, lines.with(at, flipped));
    });
    expect(after).toEqual({ ...judgedBefore(), ok: false, wrongAnswers: 1 });
  });

  const judgedBefore = (): Judgement => judge(run.dir);
});

const clientLog = (dir: string): string => join(dir, 'client/log.ndjson');
const clientLines = (dir: string): string[] => readFileSync(clientLog(dir), 'utf8').split('\n');
const saveClientLines = (dir: string, lines: readonly string[]): void =>
  writeFileSync(clientLog(dir), lines.join('\n'));

/** Runs one statement on the table of the newest day that has heartbeats. */
function change(path: string, sql: (rows: string) => string): void {
  const db = new Database(path);
  try {
    const days = db.prepare<[], { name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'raw_[0-9]*' ORDER BY name",
    );
    expect(db.prepare(sql(days.all().at(-1)?.name ?? 'none')).run().changes).toBe(1);
  } finally {
    db.close();
  }
}
