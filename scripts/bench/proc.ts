import { readdirSync, readFileSync } from 'node:fs';

/** Kernel ticks a second that /proc counts in; 100 on every Linux that Node runs on. */
const TICKS = 100;

export interface ProcessFigures {
  readonly rssBytes: number;
  /** Its share of the memory it has in common with others, counted in. */
  readonly pssBytes: number;
  readonly cpuMs: number;
  /** How often its threads went to sleep and were woken. */
  readonly wakeups: number;
}

/** What the kernel knows of a process, all its threads together. Linux only. */
export function figuresOf(pid: number): ProcessFigures {
  const smaps = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kilobytes = (key: string): number =>
    Number(new RegExp(`^${key}: +(\\d+)`, 'm').exec(smaps)?.[1] ?? 0);
  // The name in parentheses may hold spaces; the numbers follow it.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return {
    rssBytes: kilobytes('Rss') * 1024,
    pssBytes: kilobytes('Pss') * 1024,
    cpuMs: (ticks * 1000) / TICKS,
    wakeups: readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + switchesOf(pid, task), 0),
  };
}

/** Child processes, as the kernel lists them. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}

function switchesOf(pid: number, task: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8');
    return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1] ?? 0);
  } catch {
    // The thread ended in between.
    return 0;
  }
}
