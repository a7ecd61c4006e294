import { readdirSync, readFileSync } from 'node:fs';
import type { ThreadTimes } from '../core/execution-limit.ts';

/**
 * The threads of a process as the kernel accounts for them (`/proc/<pid>/task/*`). Undefined where there is no such
 * process, or no such file. Reads some twenty small files without waiting: well below a millisecond.
 */
export function readThreadTimes(pid: number, root = '/proc'): ThreadTimes[] | undefined {
  const folder = `${root}/${pid}/task`;
  let ids: string[];
  try {
    ids = readdirSync(folder);
  } catch {
    // Not Linux, or the process is gone: its exit says so.
    return undefined;
  }
  return ids.flatMap((id) => threadTimes(`${folder}/${id}`, Number(id)) ?? []);
}

/** Whether a process stands still because its control group is frozen (`systemctl freeze`, cgroup v2). */
export function isFrozen(pid: number, root = '/proc', groups = '/sys/fs/cgroup'): boolean {
  try {
    const own = /^0::(.+)$/m.exec(readFileSync(`${root}/${pid}/cgroup`, 'utf8'))?.[1];
    if (own === undefined || own === '/') return false;
    return /^frozen 1$/m.test(readFileSync(`${groups}${own}/cgroup.events`, 'utf8'));
  } catch {
    // No such hierarchy here: then it is not frozen by it.
    return false;
  }
}

function threadTimes(folder: string, id: number): ThreadTimes | undefined {
  try {
    const [ranNs = 0, waitedNs = 0] = readFileSync(`${folder}/schedstat`, 'utf8').split(' ').map(Number);
    const stat = readFileSync(`${folder}/stat`, 'utf8');
    // The name in parentheses may hold anything, parentheses too.
    const letter = stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '';
    return { id, ranMs: ranNs / 1e6, waitedMs: waitedNs / 1e6, state: STATES[letter] ?? 'asleep' };
  } catch {
    // The thread ended between two reads.
    return undefined;
  }
}

/** Letters of proc(5). */
const STATES: Readonly<Record<string, ThreadTimes['state']>> = {
  R: 'ready',
  D: 'blocked',
  T: 'stopped',
  t: 'stopped',
};
