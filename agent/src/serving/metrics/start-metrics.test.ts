import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failing, fakeRunner, stuck } from '../fake-runner.fixture.ts';
import { createRouter, type ServingRouter } from '../router.ts';
import { Exposition } from './exposition.ts';
import { parseExposition } from './parse-exposition.fixture.ts';
import { type MetricsServer, startMetrics } from './start-metrics.ts';

const call = { body: Buffer.from('{}') };
let router: ServingRouter;
let metrics: MetricsServer;

beforeEach(async () => {
  router = createRouter();
  metrics = await startMetrics({ router, version: '0.1.0', port: 0 });
});
afterEach(() => metrics.stop());

const get = (path = '/metrics', headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${metrics.port}${path}`, { headers });
/** fetch does not let a test choose the name. */
async function statusUnder(host: string): Promise<number | undefined> {
  const asked = request({ port: metrics.port, host: '127.0.0.1', path: '/metrics', headers: { host } }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}
const scrape = async () => parseExposition(await (await get()).text());
const signal = (): AbortSignal => new AbortController().signal;
const tiny = { model: 'tiny', version: '1.1.0' };

describe('GET /metrics', () => {
  it('is a valid exposition while nothing is loaded', async () => {
    const answer = await get();
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const found = parseExposition(await answer.text());
    expect(found.value('ringfleet_agent_info', { version: '0.1.0' })).toBe(1);
    expect(found.value('process_resident_memory_bytes', {})).toBeGreaterThan(1_000_000);
  });

  it('counts answers, and failures by their reason', async () => {
    const active = fakeRunner('1.1.0');
    router.route('tiny', active);
    expect((await scrape()).value('nv_inference_request_success', tiny)).toBe(0);
    await router.answer({ model: 'tiny', call, signal: signal() });
    active.next(failing('client', 'SHAPE_MISMATCH'), failing('release', 'INFER_FAILED'), stuck);
    await router.answer({ model: 'tiny', call, signal: signal() });
    await router.answer({ model: 'tiny', call, signal: signal() });
    const gone = new AbortController();
    const cancelled = router.answer({ model: 'tiny', call, signal: gone.signal });
    expect((await scrape()).value('nv_inference_pending_request_count', tiny)).toBe(1);
    gone.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'ABORTED' });
    const found = await scrape();
    const failures = (reason: string) => found.value('nv_inference_request_failure', { ...tiny, reason });
    expect(found.value('nv_inference_request_success', tiny)).toBe(1);
    expect(['INVALID', 'BACKEND', 'CANCELED', 'REJECTED', 'OTHER'].map(failures)).toEqual([1, 1, 1, 0, 0]);
    expect(found.value('nv_inference_pending_request_count', tiny)).toBe(0);
    expect(found.value('nv_inference_compute_infer_duration_us', tiny)).toBe(10);
    expect(found.value('nv_inference_queue_duration_us', tiny)).toBe(5);
    expect(found.value('ringfleet_inference_compute_duration_seconds_count', tiny)).toBe(1);
    expect(
      found.value('ringfleet_inference_compute_duration_seconds_bucket', { ...tiny, le: '0.0001' }),
    ).toBe(1);
  });

  it('tells the loaded releases, their fallbacks and a model that is not ready', async () => {
    const active = fakeRunner('1.1.0');
    router.route('tiny', active, fakeRunner('1.0.0'));
    router.clear('empty');
    active.die();
    await router.answer({ model: 'tiny', call, signal: signal() });
    const found = await scrape();
    expect(found.value('ringfleet_model_ready', { model: 'tiny' })).toBe(1);
    expect(found.value('ringfleet_model_ready', { model: 'empty' })).toBe(0);
    expect(found.value('ringfleet_inference_fallbacks_total', tiny)).toBe(1);
    expect(found.value('ringfleet_runner_exits_total', tiny)).toBe(1);
    expect(found.value('nv_inference_request_success', { model: 'tiny', version: '1.0.0' })).toBe(1);
    expect(found.value('ringfleet_model_info', { ...tiny, variant: 'int8-cpu', provider: 'cpu' })).toBe(1);
    const choice = { asked: 'cpu', active: 'cpu', reason: 'first choice' };
    expect(found.value('ringfleet_model_provider_info', { ...tiny, ...choice })).toBe(1);
  });

  it('keeps few series per model, however many releases come', async () => {
    for (let patch = 0; patch < 20; patch++) {
      router.route('tiny', fakeRunner(`1.0.${patch}`));
      await router.answer({ model: 'tiny', call, signal: signal() });
    }
    expect((await scrape()).labelSets('nv_inference_request_success')).toHaveLength(4);
  });

  it('a name that was made to point at the metrics, and a page of another site', async () => {
    expect(await statusUnder('localhost:8002')).toBe(200);
    expect(await statusUnder('evil.example:8002')).toBe(403);
    expect((await get('/metrics', { origin: 'https://evil.example' })).status).toBe(403);
  });

  it('says which methods the path is for', async () => {
    const answer = await fetch(`http://127.0.0.1:${metrics.port}/metrics`, { method: 'POST', body: 'x' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(await answer.text()).toContain('METHOD_NOT_ALLOWED');
    const head = await fetch(`http://127.0.0.1:${metrics.port}/metrics`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('refuses other paths, and an address that others can reach', async () => {
    expect((await get('/')).status).toBe(404);
    await expect(startMetrics({ router, version: '0', host: '0.0.0.0', port: 0 })).rejects.toMatchObject({
      code: 'SERVING_LISTEN_FAILED',
    });
    await expect(startMetrics({ router, version: '0', port: metrics.port })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
    });
  });
});

describe('the text format', () => {
  it('escapes what would end a label or a line', () => {
    const out = new Exposition();
    out.family('x', 'gauge', 'a\\b\nc', [[{ name: 'q"u\\o\nte' }, 1]]);
    expect(out.text()).toBe('# HELP x a\\\\b\\nc\n# TYPE x gauge\nx{name="q\\"u\\\\o\\nte"} 1\n');
    expect(parseExposition(out.text()).value('x', { name: 'q"u\\o\nte' })).toBe(1);
  });
});
