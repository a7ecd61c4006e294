import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { AgentProcess } from './agent-process.ts';

/** What must be on the disk before it is acted upon: the phase that a stopped agent logged, and the release that answered. */
export function unsaved(
  stateDir: string,
  agent: AgentProcess,
  answered: ReadonlySet<string>,
  candidate: string,
): string[] {
  const saved = savedPhase(stateDir);
  const last = agent.lines.findLast(({ msg }) => msg === 'update state');
  const flaws: string[] = [];
  if (saved === null) return flaws;
  // A rollback begins and ends in idle, on another release.
  const isBack = last?.['to'] === 'rollingBack' && saved.committed !== candidate;
  if (last && saved.phase === last['from'] && saved.phase !== last['to'] && !isBack)
    flaws.push(`it went on to ${String(last['to'])}, and ${saved.phase} is on the disk`);
  const isLive = ['activating', 'soaking', 'rollingBack'].includes(saved.phase);
  if (answered.has(candidate) && saved.committed !== candidate && !isLive)
    flaws.push(`${candidate} answered, and ${saved.phase} on ${saved.committed} is on the disk`);
  return flaws;
}

/** The one model's machine as a start would find it; null when there is none. */
function savedPhase(stateDir: string): { readonly phase: string; readonly committed: string | null } | null {
  const copy = mkdtempSync(join(tmpdir(), 'rff-saved-'));
  try {
    for (const name of ['control.db', 'control.db-wal']) {
      if (existsSync(join(stateDir, name))) copyFileSync(join(stateDir, name), join(copy, name));
    }
    const db = new Sqlite(join(copy, 'control.db'));
    const state = db.prepare<[], string>('SELECT state FROM machines').pluck().get();
    db.close();
    if (state === undefined) return null;
    const { phase, committed } = JSON.parse(state) as {
      phase: string;
      committed: { version: string } | null;
    };
    return { phase, committed: committed?.version ?? null };
  } catch {
    // A folder without a journal has nothing to compare.
    return null;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
