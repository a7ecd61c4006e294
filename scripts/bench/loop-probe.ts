import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const RESOLUTION_MS = 1;

/**
 * Preloaded into a program: how late its event loop wakes. SIGUSR2 writes what was seen since the last one to the file
 * RINGFLEET_BENCH_LOOP names, and starts anew.
 */
const file = process.env['RINGFLEET_BENCH_LOOP'];
if (isMainThread && file) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  process.on('SIGUSR2', () => {
    // What is recorded is the time between two wake-ups, the wait itself included.
    const late = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
    const seen = { count: delays.count, p999Ms: late(delays.percentile(99.9)), maxMs: late(delays.max) };
    delays.reset();
    writeFileSync(`${file}.part`, JSON.stringify(seen));

    renameSync(`${file}.part`, file);
  });
}
