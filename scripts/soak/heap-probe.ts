import { appendFileSync } from 'node:fs';
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { HEAP_FILE, type HeapLine } from './heap-file.ts';

// Loaded into the agent before its own program. It forces no collection: it writes down what each full one left behind.
const file = process.env[HEAP_FILE];
if (isMainThread && file !== undefined) {
  const observer = new PerformanceObserver((list) => {
    if (list.getEntries().some(isFull)) appendFileSync(file, `${JSON.stringify(look())}\n`);
  });
  observer.observe({ entryTypes: ['gc'] });
}

function isFull(entry: PerformanceEntry): boolean {
  // Node's types leave out what every entry of this type has.
  const { detail } = entry as PerformanceEntry & { readonly detail?: { readonly kind?: number } };
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}

function look(): HeapLine {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { atMs: Date.now(), heapBytes: heapUsed, bufferBytes: arrayBuffers };
}
