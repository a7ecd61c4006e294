import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type Benchmark, runBenchmark } from './context.ts';

const quiet = (): void => undefined;

/** Runs it, and says what was undone and whether its folder is still there. */
async function outcomeOf(benchmark: Benchmark, interrupted = new AbortController().signal) {
  let dir = '';
  const watched: Benchmark = (context) => {
    dir = context.dir;
    return benchmark(context);
  };
  const error = await runBenchmark(watched, {}, quiet, interrupted).then(
    () => undefined,
    (err: Error) => err.message,
  );
  return { error, isFolderLeft: existsSync(dir) };
}

it('undoes what was started, last first, also when a benchmark fails or undoing does', async () => {
  const order: string[] = [];
  const outcome = await outcomeOf(async ({ atEnd }) => {
    atEnd(() => void order.push('first'));
    atEnd(() => {
      throw new Error('cannot be undone');
    });
    atEnd(() => void order.push('last'));
    throw new Error('broken');
  });
  expect(outcome).toEqual({ error: 'broken', isFolderLeft: false });
  expect(order).toEqual(['last', 'first']);
});

it('undoes it when it is interrupted, and what it starts after that too', async () => {
  const interrupt = new AbortController();
  const order: string[] = [];
  const later = Promise.withResolvers<void>();
  const outcome = await outcomeOf(async ({ atEnd }) => {
    atEnd(() => void order.push('started before'));
    interrupt.abort(new Error('SIGTERM'));
    await later.promise;
    atEnd(() => void order.push('started after'));
    return [];
  }, interrupt.signal);
  expect(outcome).toEqual({ error: 'SIGTERM', isFolderLeft: false });
  expect(order).toEqual(['started before']);
  later.resolve();
  await expect.poll(() => order).toEqual(['started before', 'started after']);
});
