import { describe, expect, it } from 'vitest';
import type { InferCall, InferReply, Runner, ShadowReply } from '../ports/runtime.ts';
import { fakeRunner } from '../serving/fake-runner.fixture.ts';
import { createRouter } from '../serving/router.ts';
import { medianUs, ShadowWatch } from './shadow-watch.ts';

const call: InferCall = { body: Buffer.from('{}') };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function shadowed(answer: () => Promise<ShadowReply>, perMille = 1000, random = () => 0.5) {
  const candidate: Runner = { ...fakeRunner('1.1.0'), shadow: answer };
  const over = new AbortController();
  const watch = new ShadowWatch(candidate, perMille, random, over.signal);
  const router = createRouter();
  router.route('tiny', fakeRunner('1.0.0'));
  router.mirror('tiny', watch.take);
  const ask = () => router.answer({ model: 'tiny', call, signal: AbortSignal.timeout(5_000) });
  return { watch, over, ask };
}
const agreeing: ShadowReply = { ok: true, agrees: true, distance: 0.25, computeUs: 300 };

/** Mean time of one answer, ms. */
async function pace(ask: () => Promise<{ reply: InferReply }>, n: number): Promise<number> {
  const startedAt = performance.now();
  for (let i = 0; i < n; i += 1) {
    expect((await ask()).reply.ok).toBe(true);
    await turn();
  }
  return (performance.now() - startedAt) / n;
}

describe('a candidate in the shadow', () => {
  it('is compared with what the active release answered', async () => {
    const { watch, ask } = shadowed(() => Promise.resolve(agreeing));
    await ask();
    await turn();
    expect(watch).toMatchObject({ compared: 1, agreed: 1, failures: 0, distanceSum: 0.25 });
    expect(medianUs(watch.latencyUs)).toBe(500);
    expect(medianUs(watch.activeLatencyUs)).toBe(100);
  });

  it('that hangs changes neither answers nor their pace, and the rest is dropped', async () => {
    const alone = shadowed(() => Promise.resolve(agreeing), 0);
    const before = await pace(alone.ask, 2_000);
    let shown = 0;
    const { watch, ask } = shadowed(() => {
      shown += 1;
      return new Promise(() => undefined);
    });
    const during = await pace(ask, 2_000);
    expect(shown).toBe(1);
    expect(watch).toMatchObject({ compared: 0, dropped: 1_999 });
    // Of microseconds: a wait for the shadow would be a thousand times that.
    expect(during).toBeLessThan(10 * before + 0.2);
  });

  it('that fails, throws or dies costs its own count only', async () => {
    const replies: (() => Promise<ShadowReply>)[] = [
      () => Promise.resolve({ ok: false, code: 'INFER_FAILED', message: 'no' }),
      () => Promise.reject(new Error('gone')),
    ];
    for (const reply of replies) {
      const { ask, watch } = shadowed(reply);
      expect((await ask()).reply.ok).toBe(true);
      await turn();
      expect(watch.compared).toBe(0);
    }
  });

  it('sees the share that was asked for, and nothing when it is over', async () => {
    const draws = [0.1, 0.3, 0.09, 0.99];
    const { watch, ask, over } = shadowed(
      () => new Promise(() => undefined),
      100,
      () => draws.shift() ?? 0,
    );
    for (let i = 0; i < 4; i += 1) await ask();
    // 0.09 was drawn; 0.1 was not below it.
    expect(watch.activeLatencyUs.reduce((sum, count) => sum + count, 0)).toBe(1);
    over.abort();
    await ask();
    expect(watch.dropped).toBe(0);
  });
});
