import { expect, it } from 'vitest';
import type { Runtime } from '../ports/runtime.ts';
import { type FakeRunner, fakeRunner } from './fake-runner.fixture.ts';
import { keepRunning } from './keep-running.ts';
import { createRouter } from './router.ts';

it('routes a new runner after each exit, and stops the last one at the end', async () => {
  const started: FakeRunner[] = [];
  const runtime: Runtime = {
    start: () => {
      const runner = fakeRunner('1.0.0');
      started.push(runner);
      return Promise.resolve(runner);
    },
  };
  const end = new AbortController();
  const router = createRouter();
  const parts = { runtime, router, log: { warn: () => undefined } };
  await keepRunning(fakeRunner('1.0.0').spec, parts, end.signal);
  started[0]?.die();
  await expect
    .poll(() => router.view('tiny')?.active === started[1] && started.length, { timeout: 4_000 })
    .toBe(2);
  expect(router.view('tiny')?.isReady).toBe(true);
  end.abort();
  expect(await started[1]?.exited).toMatchObject({ reason: 'stopped' });
});
