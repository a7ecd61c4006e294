import type { Logger } from 'pino';
import type { Router } from '../ports/router.ts';
import type { Runner, RunnerSpec, Runtime } from '../ports/runtime.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const HEALTHY_MS = 60_000;

/** Starts a model and routes it, again after each exit, until aborted. Rejects only when the first start fails. */
export async function keepRunning(
  spec: RunnerSpec,
  parts: { readonly runtime: Runtime; readonly router: Router; readonly log: Pick<Logger, 'warn'> },
  signal: AbortSignal,
): Promise<void> {
  const first = await parts.runtime.start(spec, signal);
  parts.router.route(spec.model, first);
  void supervise(first, parts, signal);
}

async function supervise(
  first: Runner,
  { runtime, router, log }: Parameters<typeof keepRunning>[1],
  signal: AbortSignal,
): Promise<void> {
  let runner: Runner | undefined = first;
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    if (runner) {
      const startedAt = performance.now();
      const stop = (): void => void runner?.stop(0);
      signal.addEventListener('abort', stop, { once: true });
      const exit = await runner.exited;
      signal.removeEventListener('abort', stop);
      if (signal.aborted) return;
      log.warn({ component: 'serving', model: first.spec.model, code: exit.code }, exit.message);
      if (performance.now() - startedAt > HEALTHY_MS) pauseMs = FIRST_PAUSE_MS;
    }
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    runner = await runtime.start(first.spec, signal).catch((err: unknown) => {
      if (!signal.aborted) log.warn({ err, component: 'serving', model: first.spec.model }, 'restart failed');
      return undefined;
    });
    if (runner) router.route(first.spec.model, runner);
  }
  await runner?.stop(0);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise.finally(() => clearTimeout(timer));
}
