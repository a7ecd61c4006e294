import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark } from './context.ts';
import { FleetOfOne } from './fleet-of-one.ts';
import { atMost, info } from './results.ts';

const VERSION = '1.0.0';
const DISK_BYTES = 512 * 1024 * 1024;
/** Start-up, the commit of the release and the first reports are on the disk by then. */
const SETTLE_MS = 45_000;
const DEFAULT_PERIOD_MS = 300_000;
const DAY_MS = 86_400_000;
const MB = 1_000_000;
const SECTOR_BYTES = 512;

/**
 * DESIGN "SD-card care": what an idle agent with one small model has written after a day, at the block device below an ext4
 * of its own. `--period` shortens the time between reports, and the figure of the day is that of 288 reports then: what does
 * not come with a report is counted as if it did, so the figure errs upwards. Needs root and a loop device.
 */
export const writes: Benchmark = async (context) => {
  const { periodMs = DEFAULT_PERIOD_MS, minutes = 12 } = context;
  const image = join(context.dir, 'disk');
  const stateDir = join(context.dir, 'state');
  writeFileSync(image, '');
  truncateSync(image, DISK_BYTES);
  run('mkfs.ext4', '-q', '-F', image);
  mkdirSync(stateDir);
  run('mount', '-o', 'loop', image, stateDir);
  context.atEnd(() => void run('umount', '-l', stateDir));
  const device = run('findmnt', '-n', '-o', 'SOURCE', stateDir).trim();
  const agentDir = join(stateDir, 'a');
  const fleet = await FleetOfOne.start(context, [VERSION], { stateDir: agentDir, heartbeatMs: periodMs });
  await fleet.assign(VERSION);
  context.say('waiting until what belongs to the start is written');
  await sleep(SETTLE_MS);
  run('sync', '-f', stateDir);
  const before = bytesWritten(device);
  const startedMs = performance.now();
  context.say(`watching ${device} for ${minutes} min, a report every ${periodMs / 1000} s`);
  await sleep(minutes * 60_000);
  run('sync', '-f', stateDir);
  const bytes = bytesWritten(device) - before;
  const elapsedMs = performance.now() - startedMs;
  const reports = elapsedMs / periodMs;
  const perReport = bytes / reports;
  return [
    info('watched', elapsedMs / 60_000, 'min'),
    info('reports', reports, ''),
    info('written', bytes / 1000, 'KB'),
    info('written per report', perReport / 1000, 'KB'),
    atMost('written in a day at default settings', (perReport * DAY_MS) / DEFAULT_PERIOD_MS / MB, 20, 'MB'),
  ];
};

const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  });

/** What has reached the block device since it was attached. */
function bytesWritten(device: string): number {
  const fields = readFileSync(`/sys/block/${basename(device)}/stat`, 'utf8')
    .trim()
    .split(/\s+/);
  return Number(fields[6]) * SECTOR_BYTES;
}
