import { once } from 'node:events';
import { link, mkdtemp, rm, stat } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FakeRunner, failing, fakeRunner, stuck } from './fake-runner.fixture.ts';
import { createRouter, type ServingRouter } from './router.ts';
import { type Serving, startServing } from './start-serving.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: { readonly error?: string; readonly [field: string]: unknown };
}

const log = { debug: () => undefined, error: () => undefined };
let dir: string;
let router: ServingRouter;
let serving: Serving;
let active: FakeRunner;
let previous: FakeRunner;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'serving-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));
beforeEach(async () => {
  router = createRouter();
  active = fakeRunner('1.1.0');
  previous = fakeRunner('1.0.0');
  router.route('tiny', active, previous);
  const socketPath = join(dir, 'v2.sock');
  serving = await startServing({ router, log, version: '0.1.0', port: 0, socketPath, maxBodyBytes: 1_000 });
});
afterEach(() => serving.stop(0));

function send(
  method: string,
  path: string,
  options: { body?: string | Buffer; headers?: Record<string, string>; overSocket?: boolean } = {},
): Promise<Answer> {
  const where = options.overSocket
    ? { socketPath: serving.socketPath }
    : { port: serving.port, host: '127.0.0.1' };
  return new Promise((resolve, reject) => {
    const req = request({ ...where, method, path, headers: { ...options.headers } }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      res.on('end', () => {
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text ? JSON.parse(text) : {} });
      });
    });
    req.on('error', reject);
    req.end(options.body);
  });
}

const infer = (
  path = '',
  headers: Record<string, string> = {},
  body: string | Buffer = '{}',
): Promise<Answer> => send('POST', `/v2/models/tiny${path}/infer`, { headers, body });

describe('V2 REST', () => {
  it('answers health, server and model metadata, the index and statistics', async () => {
    expect((await send('GET', '/v2/health/live')).status).toBe(200);
    expect((await send('GET', '/v2/health/ready')).status).toBe(200);
    expect((await send('GET', '/v2')).body).toMatchObject({ name: 'ringfleet-agent', version: '0.1.0' });
    expect((await send('GET', '/v2/models/tiny')).body).toEqual({
      name: 'tiny',
      versions: ['1.1.0', '1.0.0'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [1] }],
    });
    expect((await send('GET', '/v2/models/tiny/versions/previous/ready')).body).toMatchObject({
      version: '1.0.0',
    });
    router.clear('other');
    expect((await send('POST', '/v2/repository/index')).body).toEqual([
      { name: 'tiny', version: '1.1.0', label: 'active', state: 'READY' },
      { name: 'tiny', version: '1.0.0', label: 'previous', state: 'READY' },
      { name: 'other', version: '', state: 'UNAVAILABLE', reason: 'MODEL_EMPTY' },
    ]);
    expect((await send('GET', '/v2/health/ready')).status).toBe(503);
  });

  it("tells statistics in Triton's shape: of a model, a version, or all", async () => {
    active.next(failing('client', 'SHAPE_MISMATCH'));
    await infer();
    await infer();
    const of = async (path: string) => (await send('GET', `/v2/models/${path}`)).body['model_stats'];
    const row = {
      name: 'tiny',
      version: '1.1.0',
      inference_count: 1,
      execution_count: 1,
      inference_stats: {
        success: { count: 1 },
        fail: { count: 1 },
        queue: { count: 1, ns: 5_000 },
        compute_infer: { count: 1, ns: 10_000 },
      },
      batch_stats: [],
    };
    expect(await of('tiny/stats')).toMatchObject([row, { version: '1.0.0', inference_count: 0 }]);
    expect(await of('tiny/versions/active/stats')).toMatchObject([row]);
    expect(await of('stats')).toMatchObject([row, { version: '1.0.0' }]);
    expect((await send('GET', '/v2/models/tiny/versions/9.9.9/stats')).status).toBe(404);
  });

  it('lists only what is ready when the index is asked so', async () => {
    router.clear('other');
    const index = (body: string) => send('POST', '/v2/repository/index', { body });
    expect((await index('{"ready":true}')).body).toHaveLength(2);
    expect((await index('{}')).body).toHaveLength(3);
    expect(await index('{')).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/^REQUEST_/) },
    });
    expect((await index(' '.repeat(5_000))).status).toBe(413);
  });

  it('sends the trace context back, with an error too', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    expect((await infer('', { traceparent, tracestate: 'v=1' })).headers).toMatchObject({
      traceparent,
      tracestate: 'v=1',
    });
    expect((await infer('/versions/9.9.9', { traceparent })).headers['traceparent']).toBe(traceparent);
    expect((await infer('', { traceparent: 'nonsense' })).headers['traceparent']).toBeUndefined();
  });

  it('names the release and provider that answered, and the fallback when it did', async () => {
    const first = await infer();
    expect(first.status).toBe(200);
    expect(first.headers).toMatchObject({ 'ringfleet-release': '1.1.0', 'ringfleet-provider': 'cpu' });
    expect(first.headers['ringfleet-fallback']).toBeUndefined();
    active.die('executionLimit');
    const second = await infer();
    expect(second.headers).toMatchObject({ 'ringfleet-release': '1.0.0', 'ringfleet-fallback': 'true' });
    expect((await infer('/versions/previous')).headers['ringfleet-fallback']).toBeUndefined();
  });

  it('answers over the Unix socket, which others of the group may use', async () => {
    const answer = await send('POST', '/v2/models/tiny/infer', { body: '{}', overSocket: true });
    expect(answer.status).toBe(200);
    expect((await stat(serving.socketPath as string)).mode & 0o777).toBe(0o660);
  });

  it.each([
    ['GET', '/v2/nothing', 404, 'ROUTE_UNKNOWN'],
    ['GET', '/v2/models/nobody', 404, 'MODEL_UNKNOWN'],
    ['POST', '/v2/models/nobody/infer', 404, 'MODEL_UNKNOWN'],
    ['POST', '/v2/models/tiny/versions/9.9.9/infer', 404, 'MODEL_UNKNOWN'],
    ['POST', '/v2/models/empty/infer', 503, 'MODEL_EMPTY'],
    ['GET', '/v2/models/empty/ready', 503, 'MODEL_EMPTY'],
  ])('%s %s is %i %s', async (method, path, status, code) => {
    router.clear('empty');
    const answer = await send(method, path);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toMatch(new RegExp(`^${code}: `));
    expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
  });

  it.each([
    ['POST', '/v2', 'GET, HEAD'],
    ['POST', '/v2/health/live', 'GET, HEAD'],
    ['DELETE', '/v2/health/ready', 'GET, HEAD'],
    ['GET', '/v2/repository/index', 'POST'],
    ['POST', '/v2/models/stats', 'GET, HEAD'],
    ['PUT', '/v2/models/tiny', 'GET, HEAD'],
    ['POST', '/v2/models/tiny/versions/active/ready', 'GET, HEAD'],
    ['GET', '/v2/models/tiny/infer', 'POST'],
  ])('%s %s is 405 and says that %s would do', async (method, path, allow) => {
    const answer = await send(method, path);
    expect(answer.status).toBe(405);
    expect(answer.body.error).toMatch(/^METHOD_NOT_ALLOWED: /);
    expect(answer.headers['allow']).toBe(allow);
  });

  it("tells the client's fault from the release's", async () => {
    router.route('tiny', active);
    active.next(failing('client', 'SHAPE_MISMATCH'), failing('release', 'INFER_FAILED'));
    expect(await infer()).toMatchObject({ status: 400, body: { error: 'SHAPE_MISMATCH: told to' } });
    expect(await infer()).toMatchObject({ status: 500, body: { error: 'INFER_FAILED: told to' } });
  });

  it('answers 504 at the deadline of the header, or of the timeout parameter in microseconds', async () => {
    active.next(stuck, stuck);
    const byHeader = await infer('', { 'ringfleet-deadline-ms': '20' });
    const byParameter = await infer('', {}, '{"parameters":{"timeout":20000},"inputs":[]}');
    for (const answer of [byHeader, byParameter]) {
      expect(answer).toMatchObject({
        status: 504,
        body: { error: 'DEADLINE_EXCEEDED: no answer within 20 ms' },
      });
    }
    expect((await infer('', { 'ringfleet-deadline-ms': 'soon' })).body.error).toMatch(/^DEADLINE_INVALID/);
    expect(router.counts('tiny', 'sha256:1.1.0')).toMatchObject({ failures: 0 });
  });

  it('hands on the priority of the header, or of the parameter, and refuses one that is none', async () => {
    const seen: unknown[] = [];
    const { infer: ask } = active;
    Object.assign(active, {
      infer: (...[call, signal]: Parameters<typeof ask>) => {
        seen.push(call.priority);
        return ask(call, signal);
      },
    });
    await infer('', { 'ringfleet-priority': '1' });
    await infer('', {}, '{"parameters":{"priority":2},"inputs":[]}');
    await infer('', {}, '{"parameters":{"priority":0},"inputs":[]}');
    await infer('', { 'ringfleet-priority': '99' });
    expect(seen).toEqual([1, 2, 3, 5]);
    expect((await infer('', { 'ringfleet-priority': 'high' })).body.error).toMatch(/^PRIORITY_INVALID: /);
  });

  it('hands on a raw body as it is, empty or not', async () => {
    const seen: unknown[] = [];
    const { infer: ask } = active;
    Object.assign(active, {
      infer: (...[call, signal]: Parameters<typeof ask>) => {
        seen.push([call.headerBytes, call.body.length]);
        return ask(call, signal);
      },
    });
    for (const bytes of [16, 0]) {
      active.next(failing('client', 'SHAPE_MISMATCH'));
      await infer('', { 'inference-header-content-length': '0' }, Buffer.alloc(bytes));
    }
    expect(seen).toEqual([
      [0, 16],
      [0, 0],
    ]);
    expect((await infer('', { 'inference-header-content-length': '1' })).status).toBe(400);
    expect((await infer('', { 'inference-header-content-length': '-0.5' })).status).toBe(400);
  });

  it('refuses bodies that are too large, announced or not, and stays usable', async () => {
    const large = Buffer.alloc(1_500, 0x20);
    expect(await infer('', {}, large)).toMatchObject({ status: 413 });
    expect(await infer('', { 'transfer-encoding': 'chunked' }, large)).toMatchObject({ status: 413 });
    expect((await infer()).status).toBe(200);
  });

  it('refuses a header length that does not fit and a compressed body', async () => {
    const wrong = await infer('', { 'inference-header-content-length': '99' });
    expect(wrong).toMatchObject({ status: 400, body: { error: expect.stringMatching(/^REQUEST_INVALID/) } });
    expect((await infer('', { 'content-encoding': 'gzip' })).status).toBe(400);
  });

  it('a name that was made to point at the agent’s loopback, and a page of another site', async () => {
    const rebound = await send('GET', '/v2', { headers: { host: 'evil.example:8000' } });
    const foreign = await send('GET', '/v2', { headers: { origin: 'https://evil.example' } });
    expect([rebound.status, foreign.status]).toEqual([403, 403]);
    expect(rebound.body.error).toMatch(/^HOST_NOT_ALLOWED/);
    expect(
      (await send('GET', '/v2', { headers: { host: 'localhost:1', origin: 'http://127.0.0.1:5173' } }))
        .status,
    ).toBe(200);
    expect((await send('GET', '/v2', { headers: { host: 'anything' }, overSocket: true })).status).toBe(200);
  });

  it('drops the work of a client that went away', async () => {
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    const infer = active.infer;
    active.next(stuck);
    Object.assign(active, {
      infer: (...[call, signal]: Parameters<typeof infer>) => {
        signal?.addEventListener('abort', () => resolve());
        queueMicrotask(() => client.destroy());
        return infer(call, signal);
      },
    });
    const client = request({
      port: serving.port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/v2/models/tiny/infer',
    });
    client.on('error', () => undefined);
    client.end('{}');
    await aborted;
  });
});

describe('listening', () => {
  it('says when the port or the socket is taken, and takes over a socket file left behind', async () => {
    const again = { router, log, version: '0' };
    await expect(startServing({ ...again, port: serving.port ?? 0 })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
    });
    const socketPath = serving.socketPath as string;
    await expect(startServing({ ...again, socketPath })).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    const left = createServer().listen(join(dir, 'left.sock'));
    await once(left, 'listening');
    // Its second name outlives the close, as the file does when a process is killed.
    const stale = join(dir, 'stale.sock');
    await link(join(dir, 'left.sock'), stale);
    left.close();
    await once(left, 'close');
    const taken = await startServing({ ...again, socketPath: stale });
    expect(taken.socketPath).toBe(stale);
    await taken.stop(0);
  });

  it('refuses an address that others can reach', async () => {
    await expect(startServing({ router, log, version: '0', host: '0.0.0.0', port: 0 })).rejects.toMatchObject(
      {
        code: 'SERVING_LISTEN_FAILED',
      },
    );
  });
});
