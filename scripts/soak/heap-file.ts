import { existsSync, readFileSync } from 'node:fs';
import type { Sample } from './memory.ts';

/** Environment variable that names the file which the probe inside the agent appends to. */
const HEAP_FILE = 'SOAK_HEAP_FILE';

/** Just after a full collection. */
export interface HeapLine {
  readonly atMs: number;
  /** Of the JavaScript objects that are still held. */
  readonly heapBytes: number;
  /** Of the buffers that they hold, outside V8's heap: one object may hold on to far more than its own size. */
  readonly bufferBytes: number;
}

/** Starts a Node program with the probe in it. */
export function withHeapProbe(file: string): NodeJS.ProcessEnv {
  const probe = new URL('heap-probe.mjs', import.meta.url).href;
  return { [HEAP_FILE]: file, NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${probe}`.trim() };
}

/** What was held after each full collection from `sinceMs` on; none where no collection was seen. */
export function readHeld(file: string, sinceMs: number): Sample[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as HeapLine)
    .filter(({ atMs }) => atMs >= sinceMs)
    .map(({ atMs, heapBytes, bufferBytes }) => ({ atMs, bytes: heapBytes + bufferBytes }));
}
