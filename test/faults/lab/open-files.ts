import { readdirSync, readlinkSync } from 'node:fs';

/** What the descriptors of a process point to; empty when it is gone. */
export function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  let numbers: string[];
  try {
    numbers = readdirSync(folder);
  } catch {
    return [];
  }
  return numbers.flatMap((number) => {
    try {
      return [readlinkSync(`${folder}/${number}`)];
    } catch {
      // Closed in the meantime.
      return [];
    }
  });
}

/** How many of each sort. */
export function summary(open: readonly string[]): string {
  const sorts = Object.groupBy(open, (path) => (path.startsWith('/') ? path : path.replace(/:.*/, '')));
  return Object.entries(sorts)
    .map(([sort, all = []]) => `${all.length} ${sort}`)
    .join(', ');
}
