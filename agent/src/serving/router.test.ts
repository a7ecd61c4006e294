import { describe, expect, it } from 'vitest';
import { constantAnswer } from './constant-answer.ts';
import { failing, fakeRunner, stuck } from './fake-runner.fixture.ts';
import { type FallbackPolicy, WAIT } from './fallback-policy.ts';
import { createRouter, type Routed, type ServingRouter } from './router.ts';

const { signal } = new AbortController();
const call = { body: new Uint8Array(0) };
const ask = (
  router: ServingRouter,
  version?: string,
  signal = new AbortController().signal,
): Promise<Routed> =>
  router.answer({ model: 'tiny', call, signal, ...(version === undefined ? {} : { version }) });
const versionOf = async (answer: Promise<Routed>): Promise<string> => (await answer).runner.spec.version;

describe('the router', () => {
  it('knows assigned, empty and unknown models apart', async () => {
    const router = createRouter();
    await expect(ask(router)).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
    router.clear('tiny');
    await expect(ask(router)).rejects.toMatchObject({ code: 'MODEL_EMPTY' });
    router.route('tiny', fakeRunner('1.0.0'));
    expect((await ask(router)).reply.ok).toBe(true);
    router.forget('tiny');
    await expect(ask(router)).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
  });

  it('answers by label and by exact version', async () => {
    const router = createRouter();
    router.route('tiny', fakeRunner('1.1.0'), fakeRunner('1.0.0'));
    expect(await versionOf(ask(router, 'active'))).toBe('1.1.0');
    expect(await versionOf(ask(router, 'previous'))).toBe('1.0.0');
    expect(await versionOf(ask(router, '1.0.0'))).toBe('1.0.0');
    await expect(ask(router, '0.9.0')).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
  });

  it('lets the fallback answer what was executing and what was queued when the active runner died', async () => {
    const router = createRouter();
    const active = fakeRunner('1.1.0');
    router.route('tiny', active, fakeRunner('1.0.0'));
    active.next(stuck, stuck, stuck);
    const answers = [ask(router), ask(router), ask(router)];
    active.die('executionLimit');
    expect(await Promise.all(answers.map(versionOf))).toEqual(['1.0.0', '1.0.0', '1.0.0']);
    expect((await ask(router)).fallback).toBe('previous');
    await active.exited;
    const counts = { answers: 0, failures: 1, rejected: 0, fallbacks: 4, runnerExits: 1 };
    expect(router.counts('tiny', 'sha256:1.1.0')).toEqual(counts);
    expect(active.asked).toBe(3);
  });

  it("counts a release's failure, and lets the fallback answer it", async () => {
    const router = createRouter();
    const active = fakeRunner('1.1.0');
    router.route('tiny', active, fakeRunner('1.0.0'));
    active.next(failing('release', 'INFER_FAILED'));
    expect(await ask(router)).toMatchObject({ fallback: 'previous', reply: { ok: true } });
    expect(router.counts('tiny', 'sha256:1.1.0')).toMatchObject({ failures: 1, fallbacks: 1, answers: 0 });
  });

  it('hands on a failure when nobody else can answer', async () => {
    const router = createRouter();
    const active = fakeRunner('1.0.0');
    router.route('tiny', active);
    active.next(failing('release', 'INFER_FAILED'));
    expect((await ask(router)).reply).toMatchObject({ code: 'INFER_FAILED' });
  });

  it("never holds the client's fault against the release or asks the fallback about it", async () => {
    const router = createRouter();
    const active = fakeRunner('1.1.0');
    const previous = fakeRunner('1.0.0');
    router.route('tiny', active, previous);
    active.next(failing('client', 'SHAPE_MISMATCH'));
    expect((await ask(router)).reply).toMatchObject({ code: 'SHAPE_MISMATCH' });
    expect(router.counts('tiny', 'sha256:1.1.0')).toMatchObject({ failures: 0, rejected: 1 });
    expect(previous.asked).toBe(0);
  });

  it('keeps what only waited until a new runner is routed, and never repeats what was executing', async () => {
    const router = createRouter();
    const first = fakeRunner('1.0.0');
    router.route('tiny', first);
    first.next(stuck, stuck);
    const executing = ask(router);
    const queued = ask(router);
    first.die();
    const late = ask(router);
    await expect(executing).rejects.toMatchObject({ code: 'RUNNER_GONE' });
    const second = fakeRunner('1.0.0');
    router.route('tiny', second);
    expect(await versionOf(queued)).toBe('1.0.0');
    expect(await versionOf(late)).toBe('1.0.0');
    expect(second.asked).toBe(2);
    expect(router.counts('tiny', 'sha256:1.0.0')).toMatchObject({ answers: 2, runnerExits: 1 });
  });

  it('moves requests of a stopped runner to the release that took over', async () => {
    const router = createRouter();
    const old = fakeRunner('1.0.0');
    router.route('tiny', old);
    old.next(stuck, stuck);
    const answers = [ask(router), ask(router)];
    router.route('tiny', fakeRunner('1.1.0'));
    await old.stop(0);
    expect(await Promise.all(answers.map(versionOf))).toEqual(['1.1.0', '1.1.0']);
    expect(router.counts('tiny', 'sha256:1.0.0')).toMatchObject({ failures: 0, runnerExits: 0 });
  });

  it('starts counting at zero when a release becomes active, and keeps counting over a restart', async () => {
    const router = createRouter();
    router.route('tiny', fakeRunner('1.0.0'));
    await ask(router);
    router.route('tiny', fakeRunner('1.0.0'));
    await ask(router);
    expect(router.counts('tiny', 'sha256:1.0.0').answers).toBe(2);
    router.route('tiny', fakeRunner('1.1.0'));
    router.route('tiny', fakeRunner('1.0.0'));
    expect(router.counts('tiny', 'sha256:1.0.0').answers).toBe(0);
  });

  it('reports a runner as drained when its last request ends, or when the time is over', async () => {
    const router = createRouter();
    const runner = fakeRunner('1.0.0');
    router.route('tiny', runner);
    let finish: () => void = () => undefined;
    runner.next(
      () => new Promise((resolve) => (finish = () => resolve(failing('client', 'SHAPE_MISMATCH')()))),
    );
    const answer = ask(router);
    await router.drained(runner, 1);
    let isDrained = false;
    const drained = router.drained(runner, 60_000).then(() => (isDrained = true));
    await Promise.resolve();
    expect(isDrained).toBe(false);
    finish();
    await Promise.all([answer, drained]);
    expect(isDrained).toBe(true);
  });

  it('does what was declared for a model that has no runner', async () => {
    const outputs = [{ name: 'y', datatype: 'FP32', shape: [1], data: [0.5] }];
    const policies: Record<string, FallbackPolicy> = {
      constant: { kind: 'constant', answer: constantAnswer('constant', outputs) },
      unavailable: { kind: 'unavailable' },
    };
    const router = createRouter((model) => policies[model] ?? WAIT);
    const body = Buffer.from(JSON.stringify({ id: 'a', outputs: [{ name: 'y' }] }));
    const of = (model: string, version?: string) =>
      router.answer({ model, call: { body }, signal, ...(version ? { version } : {}) });
    router.clear('constant');
    expect(await of('constant')).toMatchObject({
      fallback: 'constant',
      runner: { spec: { version: 'constant' } },
    });
    const runner = fakeRunner('1.0.0');
    router.route('constant', runner);
    expect((await of('constant')).fallback).toBeUndefined();
    runner.next(stuck);
    const executing = of('constant');
    runner.die();
    const { reply, fallback } = await executing;
    expect(fallback).toBe('constant');
    expect(reply.ok && JSON.parse(Buffer.from(reply.body).toString('utf8'))).toEqual({
      model_name: 'constant',
      model_version: 'constant',
      id: 'a',
      outputs: [{ name: 'y', datatype: 'FP32', shape: [1], data: [0.5] }],
    });
    expect(router.counts('constant', 'sha256:1.0.0')).toMatchObject({
      fallbacks: 1,
      answers: 1,
      runnerExits: 1,
    });
    await expect(of('constant', '1.0.0')).rejects.toMatchObject({ code: 'RUNNER_GONE' });
    const gone = fakeRunner('1.0.0');
    router.route('unavailable', gone);
    gone.die();
    await expect(of('unavailable')).rejects.toMatchObject({ code: 'RUNNER_GONE' });
  });

  it('gives up a request when its caller does', async () => {
    const router = createRouter();
    const runner = fakeRunner('1.0.0');
    router.route('tiny', runner);
    runner.die();
    const abort = new AbortController();
    const answer = ask(router, undefined, abort.signal);
    abort.abort();
    await expect(answer).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
