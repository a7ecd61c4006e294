import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OtlpExporter } from '../../adapters/otlp-exporter.ts';
import { makeTracer } from '../../make-tracer.ts';
import { type FakeRunner, failing, fakeRunner } from '../fake-runner.fixture.ts';
import { type PublicClient, publicClient } from '../grpc/public-client.fixture.ts';
import { parseExposition } from '../metrics/parse-exposition.fixture.ts';
import { createRouter } from '../router.ts';
import { type FrontEnds, startFrontEnds } from '../start-front-ends.ts';
import { type OtlpReceiver, otlpReceiver, type SeenSpan } from './otlp-receiver.fixture.ts';
import { Tracer } from './tracer.ts';

const log = { debug: () => undefined, warn: () => undefined, error: () => undefined };
const TRACE = 'a'.repeat(32);
const PARENT = 'b'.repeat(16);
const sampled = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'shop=7' };
const unsampled = { traceparent: `00-${TRACE}-${PARENT}-00` };
const INPUT = { name: 'x', datatype: 'FP32', shape: [1, 4] };
/** Nothing else here looks like it. */
const SECRET = 271_828;
const JSON_BODY = JSON.stringify({ id: 'secret-id', inputs: [{ ...INPUT, data: [SECRET, 2, 3, 4] }] });
let collector: OtlpReceiver;
let active: FakeRunner;
let doors: FrontEnds;
let tracer: Tracer | undefined;
let client: PublicClient;

/** The end waits for a thread that a busy machine starts slowly; not so where the collector never takes anything. */
async function open(ratio?: number, endpoint = collector.url, flushMs = 20_000): Promise<void> {
  const resource = { 'service.instance.id': 'device-7' };
  tracer = makeTracer(
    { endpoint, ...(ratio === undefined ? {} : { ratio }) },
    { env: {}, version: '0.1.0', resource, log },
  );
  const router = createRouter();
  active = fakeRunner('1.1.0');
  router.route('tiny', active);
  doors = await startFrontEnds({
    router,
    log,
    version: '0.1.0',
    tracer,
    flushMs,
    http: { port: 0 },
    grpc: { port: 0 },
    metrics: { port: 0 },
  });
  client = publicClient(doors.grpc ?? '');
}

beforeEach(async () => {
  collector = await otlpReceiver();
});
afterEach(async () => {
  client?.close();
  await doors?.stop(0);
  await collector.stop();
});

const ask = (headers: Record<string, string> = {}, path = '/v2/models/tiny/infer', body = JSON_BODY) =>
  fetch(`${doors.http}${path}`, { method: 'POST', body, headers: { 'user-agent': 'line-7', ...headers } });
const askGrpc = (metadata: Record<string, string> = {}, model = 'tiny') =>
  client.call(
    'ModelInfer',
    { model_name: model, inputs: [{ ...INPUT, contents: { fp32_contents: [SECRET, 2, 3, 4] } }] },
    {},
    metadata,
  );
const servers = (): SeenSpan[] => collector.spans.filter(({ kind }) => kind === 2);
const named = (name: string): SeenSpan => {
  const span = collector.spans.find((one) => one.name === name);
  if (!span) throw new Error(`no span ${name}`);
  return span;
};
const traced = async () => {
  const found = parseExposition(await (await fetch(doors.metrics ?? '')).text());
  return Object.fromEntries(
    ['exported', 'dropped', 'failed'].map((result) => [
      result,
      found.value('ringfleet_traced_inferences_total', { result }),
    ]),
  );
};

describe('spans of inferences', () => {
  it('continue the trace of a REST caller, with the time in queue and runner under them', async () => {
    await open();
    expect((await ask(sampled)).status).toBe(200);
    await collector.until(() => servers().length === 1);
    expect(collector.resource).toMatchObject({
      'service.name': 'ringfleet-agent',
      'service.version': '0.1.0',
      'service.instance.id': 'device-7',
    });
    const server = named('POST /v2/models/{model}/infer');
    expect(server).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, kind: 2, status: 0 });
    expect(server.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/v2/models/{model}/infer',
      'url.scheme': 'http',
      'url.path': '/v2/models/tiny/infer',
      'http.response.status_code': 200,
      'user_agent.original': 'line-7',
      'ringfleet.model': 'tiny',
      'ringfleet.release': '1.1.0',
      'ringfleet.provider': 'cpu',
      'ringfleet.outcome': 'SUCCESS',
    });
    const [queue, runner, compute, encode] = ['queue', 'runner', 'compute', 'encode'].map(named);
    for (const child of [queue, runner]) expect(child?.parentSpanId).toBe(server.spanId);
    for (const child of [compute, encode]) expect(child?.parentSpanId).toBe(runner?.spanId);
    const lengths = [queue, runner, compute, encode].map((one) => Number(one && one.endNs - one.startNs));
    // Nanoseconds since 1970 as the library's numbers hold them: exact to about 240.
    for (const [i, us] of [5, 30, 10, 8].entries())
      expect(Math.abs((lengths[i] ?? 0) - us * 1_000)).toBeLessThan(1_000);
    expect(server.endNs).toBeGreaterThanOrEqual(runner?.endNs ?? 0n);
  });

  it('continue the trace of a gRPC caller', async () => {
    await open();
    await askGrpc(sampled);
    await doors.stop(0);
    expect(servers()[0]).toMatchObject({
      name: 'inference.GRPCInferenceService/ModelInfer',
      traceId: TRACE,
      parentSpanId: PARENT,
      attributes: {
        'rpc.system.name': 'grpc',
        'rpc.method': 'inference.GRPCInferenceService/ModelInfer',
        'rpc.status_code': 'OK',
        'ringfleet.model': 'tiny',
        'ringfleet.release': '1.1.0',
        'ringfleet.outcome': 'SUCCESS',
      },
    });
    expect(named('compute').traceId).toBe(TRACE);
  });

  it('never hold what was asked or answered', async () => {
    await open();
    await ask();
    await askGrpc();
    await ask({}, '/v2/models/tiny/infer', `{"inputs": ${SECRET}`);
    await doors.stop(0);
    expect(servers()).toHaveLength(3);
    expect(collector.bodies.join('')).not.toMatch(/271828|secret-id|probabilities/);
  });

  it('say what went wrong, and whose fault it was', async () => {
    await open();
    active.next(failing('client', 'SHAPE_MISMATCH'), failing('release', 'INFER_FAILED'));
    await ask();
    await ask();
    await ask({}, '/v2/models/nobody/versions/2/infer');
    await askGrpc({}, 'nobody').catch(() => undefined);
    active.next(failing('release', 'INFER_FAILED'));
    await askGrpc().catch(() => undefined);
    await doors.stop(0);
    const said = servers().map(({ status, attributes: of }) => [
      of['http.response.status_code'] ?? of['rpc.status_code'],
      of['ringfleet.code'],
      of['ringfleet.outcome'],
      of['error.type'],
      status,
    ]);
    expect(said).toEqual([
      [400, 'SHAPE_MISMATCH', 'INVALID', undefined, 0],
      [500, 'INFER_FAILED', 'BACKEND', 'INFER_FAILED', 2],
      [404, 'MODEL_UNKNOWN', 'INVALID', undefined, 0],
      ['NOT_FOUND', 'MODEL_UNKNOWN', 'INVALID', undefined, 0],
      ['INTERNAL', 'INFER_FAILED', 'BACKEND', 'INFER_FAILED', 2],
    ]);
    expect(servers()[2]?.attributes).toMatchObject({ 'ringfleet.model': 'nobody', 'ringfleet.version': '2' });
  });

  it('are not made where the caller does not sample, whatever the ratio', async () => {
    await open(1);
    await ask(unsampled);
    await askGrpc(unsampled);
    await doors.stop(0);
    expect(tracer?.counts).toEqual({ exported: 0, dropped: 0, failed: 0 });
    expect(collector.bodies).toEqual([]);
  });

  it('are made of a sampled trace even where none begins here', async () => {
    await open(0);
    await ask();
    await ask(sampled);
    await doors.stop(0);
    expect(servers().map(({ traceId }) => traceId)).toEqual([TRACE]);
  });

  it('go out at the end, though nobody waited for them', async () => {
    await open();
    await ask();
    await doors.stop(0);
    expect(servers()).toHaveLength(1);
    expect(tracer?.counts).toEqual({ exported: 1, dropped: 0, failed: 0 });
  });
});

describe('a collector that', () => {
  it('hangs holds up no answer, and what is too much for the queue is dropped and counted', async () => {
    collector.mode = 'hang';
    await open(1, collector.url, 1);
    await Promise.all(Array.from({ length: 128 }, () => ask()));
    await collector.until(() => collector.bodies.length === 1);
    // From here on the collector has a batch in its hands and says nothing; 1024 more may wait for it.
    for (let i = 0; i < 1_000; i++) tracer?.begin(NOBODY)?.end(200);
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask()));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(100);
    expect(collector.bodies).toHaveLength(1);
    expect(await traced()).toEqual({ exported: 0, dropped: 100 - 24, failed: 0 });
    await doors.stop(0);
    expect(tracer?.counts).toEqual({ exported: 0, dropped: 1_100, failed: 128 });
  });

  it('refuses is counted, said once, and asked again', async () => {
    collector.mode = 'refuse';
    const warnings: unknown[] = [];
    const exporter = new OtlpExporter({ url: `${collector.url}/v1/traces`, resource: {} });
    tracer = new Tracer({
      exporter,
      ratio: 1,
      log: { ...log, warn: (about: unknown) => void warnings.push(about) },
    });
    const batch = (): void => {
      for (let i = 0; i < 128; i++) tracer?.begin(NOBODY)?.end(200);
    };
    batch();
    batch();
    await collector.until(() => collector.bodies.length === 2);
    collector.mode = 'take';
    batch();
    await collector.until(() => servers().length === 3 * 128);
    await tracer.stop(5_000);
    expect(tracer.counts).toEqual({ exported: 128, dropped: 0, failed: 256 });
    expect(warnings).toEqual([expect.objectContaining({ code: 'TRACES_NOT_TAKEN' })]);
  });

  it('is not there costs no answer either', async () => {
    await open(1, 'http://127.0.0.1:9', 1_000);
    expect((await ask()).status).toBe(200);
    expect((await askGrpc()).message.model_name).toBe('tiny');
    await doors.stop(0);
    expect(tracer?.counts).toMatchObject({ exported: 0 });
    expect((tracer?.counts.failed ?? 0) + (tracer?.counts.dropped ?? 0)).toBe(2);
  });
});

const NOBODY = { door: 'http', trace: undefined, userAgent: undefined } as const;
