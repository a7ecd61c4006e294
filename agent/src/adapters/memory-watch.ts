import { readFileSync } from 'node:fs';

/** Often enough to see a leak, seldom enough to cost nothing: one small file per look. */
const LOOK_MS = 500;

/**
 * Looks at the memory that is a process's own (anonymous, shared memory and swap; not the library's pages, which others
 * map too) until `stop`, and calls `onOver` once when it is above the limit. The kernel ends a runner that grows faster
 * than this looks before it ends the agent (`oom_score_adj`).
 */
export function watchMemory(
  pid: number,
  limitBytes: number,
  onOver: (usedBytes: number) => void,
  lookMs = LOOK_MS,
): { stop(): void } {
  const timer = setInterval(() => {
    const usedBytes = ownMemoryOf(pid);
    if (usedBytes === undefined || usedBytes <= limitBytes) return;
    clearInterval(timer);
    onOver(usedBytes);
  }, lookMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** Undefined where there is no such process, or the system does not say. */
export function ownMemoryOf(pid: number, root = '/proc'): number | undefined {
  let status: string;
  try {
    status = readFileSync(`${root}/${pid}/status`, 'utf8');
  } catch {
    // Not Linux, or the process is gone: its exit says so.
    return undefined;
  }
  const kilobytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return 1024 * (kilobytes('RssAnon') + kilobytes('RssShmem') + kilobytes('VmSwap'));
}
