import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isFrozen, readThreadTimes } from './thread-times.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'thread-times-'));
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text);
  };
  await put('7/task/7/schedstat', '2500000000 40000000 12\n');
  await put('7/task/7/stat', '7 (a) D (b) R 1 7 7 0 -1');
  await put('7/task/9/stat', '9 (gone) S 1');
  await put('7/cgroup', '12:cpu:/\n0::/app.slice\n');
  await put('groups/app.slice/cgroup.events', 'populated 1\nfrozen 1\n');
});
afterAll(() => rm(root, { recursive: true, force: true }));

it('reads times and states, whatever a thread calls itself, and leaves out one that is gone', () => {
  expect(readThreadTimes(7, root)).toEqual([{ id: 7, ranMs: 2_500, waitedMs: 40, state: 'ready' }]);
  expect(readThreadTimes(8, root)).toBeUndefined();
});

it('sees a frozen control group, and none where there is no such hierarchy', () => {
  expect(isFrozen(7, root, join(root, 'groups'))).toBe(true);
  expect(isFrozen(7, root, join(root, 'nothing'))).toBe(false);
});

it.skipIf(process.platform !== 'linux')('sees time go by in this process', () => {
  const ranMs = (): number =>
    (readThreadTimes(process.pid) ?? []).find(({ id }) => id === process.pid)?.ranMs ?? Number.NaN;
  const before = ranMs();
  const until = process.cpuUsage().user + 60_000;
  while (process.cpuUsage().user < until);
  expect(ranMs() - before).toBeGreaterThan(20);
});
