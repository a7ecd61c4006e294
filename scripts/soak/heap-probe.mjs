import { appendFileSync } from 'node:fs';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

// Loaded into the agent before its own program. It forces no collection: it writes down what each full one left behind
// (a line of heap-file.ts). Plain JavaScript, because what strips types from TypeScript would be 10 MiB in the agent.
const file = process.env.SOAK_HEAP_FILE;
if (isMainThread && file !== undefined) {
  const isFull = ({ detail }) => detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
  const observer = new PerformanceObserver((list) => {
    if (!list.getEntries().some(isFull)) return;
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const line = { atMs: Date.now(), heapBytes: heapUsed, bufferBytes: arrayBuffers };
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  });
  observer.observe({ entryTypes: ['gc'] });
}
