import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import type { RunnerSpec } from '../ports/runtime.ts';
import { encodeFrame, frameReader } from '../runner/frames.ts';
import type { RunnerReply, RunnerRequest } from '../runner/messages.ts';
import { type CompileProgress, driveRunner } from './drive-runner.ts';
import { ownMemoryOf } from './memory-watch.ts';
import type { RunnerProcess } from './runner-process.ts';

const MIB = 1024 * 1024;
const { signal } = new AbortController();
const child: { current: ChildProcess | undefined } = { current: undefined };
afterEach(() => void child.current?.kill('SIGKILL'));

const spec = (loadMs: number, memoryBytes = 0): RunnerSpec =>
  ({
    model: 'tiny',
    version: '1.0.0',
    manifest: { limits: { loadMs, inferMs: 1_000, memoryBytes } },
  }) as unknown as RunnerSpec;

const LOADED: Omit<Extract<RunnerReply, { is: 'loaded' }>, 'id'> = {
  is: 'loaded',
  provider: { asked: ['cpu'], active: 'cpu', reason: 'first choice' },
  canTerminate: false,
};

/** A process whose answers a test writes; `pid` is what the agent watches and ends. */
function launched(
  answer: (say: (reply: object) => void) => void,
  pid = 0,
  kill: () => void = () => undefined,
): RunnerProcess {
  const [socket, far] = duplexPair() as [Duplex, Duplex];
  const { promise: exited, resolve } = Promise.withResolvers<{
    how: string;
    whileLoading: 'MODEL_LOAD_FAILED';
  }>();
  const read = frameReader((header) => {
    const { id } = header as RunnerRequest;
    answer((reply) => {
      for (const part of encodeFrame({ id, ...reply })) far.write(part);
    });
  });
  far.on('data', read);
  return {
    socket,
    pid,
    kill: () => {
      kill();
      resolve({ how: 'signal SIGKILL', whileLoading: 'MODEL_LOAD_FAILED' });
    },
    exited,
    lastWords: () => '',
  };
}

it('gives a provider that compiles a time of its own, and tells how far it is', async () => {
  const told: CompileProgress[] = [];
  const process = launched((say) => {
    say({ is: 'stage', stage: 'compiling', provider: 'tensorrt' });
    setTimeout(() => {
      say({ is: 'stage', stage: 'loading', provider: 'tensorrt' });
      say(LOADED);
    }, 300);
  });
  const options = {
    startedAt: performance.now(),
    onCompiling: (one: CompileProgress) => void told.push(one),
  };
  const runner = await driveRunner(process, spec(50), signal, options);
  expect(runner.loadMs).toBeGreaterThan(250);
  expect(told).toMatchObject([
    { model: 'tiny', provider: 'tensorrt', isDone: false },
    { model: 'tiny', provider: 'tensorrt', isDone: true },
  ]);
  await runner.stop(0);
});

it('ends a model that loads too long, after compiling too', async () => {
  const slow = launched(() => undefined);
  const options = { startedAt: performance.now() };
  await expect(driveRunner(slow, spec(50), signal, options)).rejects.toMatchObject({
    code: 'LOAD_LIMIT_EXCEEDED',
  });
  const stuck = launched((say) => {
    say({ is: 'stage', stage: 'compiling', provider: 'openvino' });
    say({ is: 'stage', stage: 'loading', provider: 'openvino' });
  });
  await expect(driveRunner(stuck, spec(50), signal, options)).rejects.toMatchObject({
    code: 'LOAD_LIMIT_EXCEEDED',
  });
});

it.skipIf(process.platform !== 'linux')(
  'ends a runner that uses more memory than its release may',
  async () => {
    const grown =
      'const held = Buffer.alloc(200 * 1024 * 1024, 1); console.log(held.length); setInterval(() => held, 1e6);';
    const started = spawn(process.execPath, ['-e', grown], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.current = started;
    await once(started.stdout, 'data');
    const pid = started.pid ?? 0;
    expect(ownMemoryOf(pid)).toBeGreaterThan(200 * MIB);
    const ended = once(started, 'exit');
    const greedy = launched(
      (say) => say(LOADED),
      pid,
      () => void started.kill('SIGKILL'),
    );
    const runner = await driveRunner(greedy, spec(5_000, 150 * MIB), signal, {
      startedAt: performance.now(),
    });
    expect(await runner.exited).toMatchObject({
      reason: 'memoryLimit',
      code: 'MEMORY_LIMIT_EXCEEDED',
      message: expect.stringMatching(/^tiny 1\.0\.0 used \d+ MiB of the 150 MiB it may have/),
    });
    await expect(runner.infer({ body: new Uint8Array(0) })).rejects.toMatchObject({ code: 'RUNNER_GONE' });
    await ended;
  },
);

it('knows nothing of the memory of a process that is gone', () => {
  expect(ownMemoryOf(2 ** 30)).toBeUndefined();
});
