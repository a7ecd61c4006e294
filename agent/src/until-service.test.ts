import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilServiceAnswers } from './until-service.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-until-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Time passes by its sleeps only; `onSleep` is what happens meanwhile. */
function fakeClock(onSleep: () => void | Promise<void> = () => undefined) {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
      await onSleep();
    },
  };
}

it('waits for the service to answer', async () => {
  const control = join(dir, 'control.sock');
  const server = createServer((_, answer) => answer.end('{}'));
  let looks = 0;
  const clock = fakeClock(async () => {
    looks += 1;
    if (looks === 3) await new Promise<void>((resolve) => server.listen(control, resolve));
  });
  expect(await untilServiceAnswers(control, clock, new AbortController().signal)).toBe(true);
  expect(looks).toBe(3);
  server.closeAllConnections();
  server.close();
});

it('gives up after ten seconds, and at once when it is told to', async () => {
  const clock = fakeClock();
  expect(await untilServiceAnswers(join(dir, 'none'), clock, new AbortController().signal)).toBe(false);
  expect(clock.nowMs()).toBe(10_000);
  expect(await untilServiceAnswers(join(dir, 'none'), fakeClock(), AbortSignal.abort())).toBe(false);
});
