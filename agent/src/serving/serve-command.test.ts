import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixturePath, makeTinySlot } from '../runner/tiny-slot.fixture.ts';
import { publicClient } from './grpc/public-client.fixture.ts';
import { serveCommand } from './serve-command.ts';
import { otlpReceiver } from './tracing/otlp-receiver.fixture.ts';

const log = { debug: () => undefined, warn: () => undefined, error: () => undefined };
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'serve-command-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Runs the command until it printed its line, hands that to `use`, then ends it. */
async function serve(
  argv: readonly string[],
  use?: (up: { url: string; models: string[] }) => Promise<void>,
) {
  const end = new AbortController();
  const printed = Promise.withResolvers<string>();
  const complaints: string[] = [];
  const code = serveCommand(argv, {
    signal: end.signal,
    version: '0',
    env: {},
    log,
    print: printed.resolve,
    complain: (line) => void complaints.push(line),
  });
  const line = await Promise.race([printed.promise, code.then(() => undefined)]);
  if (line !== undefined) await use?.(JSON.parse(line)).finally(() => end.abort());
  return { code: await code, complaint: complaints.join('\n') };
}

// Real runners, which on a busy machine take seconds to start.
describe('ringfleet-agent serve', { timeout: 30_000 }, () => {
  it('serves a bare model file and a built release beside it', async () => {
    const file = join(dir, 'Some Model.onnx');
    await copyFile(fixturePath('tiny.onnx'), file);
    const release = await makeTinySlot({ slotDir: join(dir, 'release') });
    await writeFile(join(release.slotDir, 'manifest.json'), JSON.stringify(release.manifest));
    const done = await serve(['--port', '0', '--json', file, release.slotDir], async ({ url, models }) => {
      expect(models).toEqual(['some-model', 'tiny']);
      const metadata = await fetch(`${url}/v2/models/some-model`);
      expect(await metadata.json()).toMatchObject({
        inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 4] }],
        outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 3] }],
      });
      for (const model of models) {
        const inputs = [{ name: 'features', datatype: 'FP32', shape: [1, 4], data: [0, 9, 0, 0] }];
        const answer = await fetch(`${url}/v2/models/${model}/infer`, {
          method: 'POST',
          body: JSON.stringify({ inputs }),
        });
        const { outputs } = (await answer.json()) as { outputs: [{ data: number[] }] };
        expect(outputs[0].data[1]).toBeGreaterThan(0.99);
      }
    });
    expect(done).toEqual({ code: 0, complaint: '' });
  });

  it('opens the doors it is asked for, and prints a line that works', async () => {
    const end = new AbortController();
    const lines: string[] = [];
    const { promise: up, resolve } = Promise.withResolvers<void>();
    const socket = join(dir, 'v2.sock');
    const argv = [
      '--http',
      '0',
      '--grpc',
      '0',
      '--metrics',
      '0',
      '--socket',
      socket,
      fixturePath('tiny.onnx'),
    ];
    const print = (line: string): void => {
      lines.push(line);
      if (line.startsWith('metrics ')) resolve();
    };
    const code = serveCommand(argv, {
      signal: end.signal,
      version: '0',
      env: {},
      log,
      print,
      complain: () => undefined,
    });
    await up;
    const said = (what: string): string =>
      lines.find((line) => line.startsWith(what))?.slice(what.length) ?? '';
    const [, url = '', json = ''] = /^curl -s (\S+) -d '(.*)'$/.exec(said('  try: ')) ?? [];
    expect((await fetch(url, { method: 'POST', body: json })).status).toBe(200);
    const client = publicClient(said('gRPC '));
    expect((await client.call('ModelReady', { name: 'tiny' })).message.ready).toBe(true);
    client.close();
    expect(await (await fetch(said('metrics '))).text()).toContain(
      'nv_inference_request_success{model="tiny"',
    );
    expect(said('socket ')).toBe(socket);
    end.abort();
    expect(await code).toBe(0);
  });

  it('exports spans of what real runners answered', async () => {
    const collector = await otlpReceiver();
    const argv = ['--port', '0', '--json', '--otlp', collector.url, fixturePath('tiny.onnx')];
    const { code } = await serve(argv, async ({ url }) => {
      const inputs = [{ name: 'features', datatype: 'FP32', shape: [1, 4], data: [0, 9, 0, 0] }];
      const body = JSON.stringify({ inputs });
      expect((await fetch(`${url}/v2/models/tiny/infer`, { method: 'POST', body })).status).toBe(200);
      await collector.until(() => collector.spans.length === 5);
    });
    expect(code).toBe(0);
    const [server, queue, runner, compute, encode] = [/^POST/, /queue/, /runner/, /compute/, /encode/].map(
      (name) => collector.spans.find((span) => name.test(span.name)),
    );
    await collector.stop();
    const edges = [server, queue, runner, compute, encode].map((one) => one?.startNs ?? 0n);
    // Each begins after the one around or before it, and all of it lies within the request.
    expect(edges.toSorted((a, b) => Number(a - b))).toEqual(edges);
    expect(compute && compute.endNs - compute.startNs).toBeGreaterThan(0n);
    expect(encode?.endNs).toBeLessThanOrEqual(runner?.endNs ?? 0n);
    expect(runner?.endNs).toBeLessThanOrEqual(server?.endNs ?? 0n);
    expect(server?.attributes).toMatchObject({ 'ringfleet.model': 'tiny', 'ringfleet.release': '0.0.0' });
  });

  it.each([
    [[], 2, /^usage:/],
    [['--otlp', 'nowhere', 'x.onnx'], 1, /CONFIG_INVALID/],
    [['--otlp-ratio', '2', 'x.onnx'], 2, /^usage:/],
    [['--grpc', 'x', 'x.onnx'], 2, /^usage:/],
    [['--no-such-flag', 'x.onnx'], 2, /^usage:/],
    [['--port', '99999', 'x.onnx'], 2, /^usage:/],
    [['--threads', '0', 'x.onnx'], 2, /--threads is a number from 1 to 64/],
    [['--provider', 'npu', 'x.onnx'], 2, /no provider npu/],
    [['/dev/fd'], 2, /MODEL_PATH_UNUSABLE$/],
    [['/nowhere/x.onnx'], 2, /MODEL_PATH_UNUSABLE$/],
    [[fixturePath('make_tiny.py')], 2, /MODEL_PATH_UNUSABLE$/],
  ])('says what is wrong with %j', async (argv, code, complaint) => {
    const done = await serve(argv);
    expect(done.code).toBe(code);
    expect(done.complaint).toMatch(complaint);
  });

  it('serves the highest version of each model of a repository', async () => {
    const repository = join(dir, 'repository');
    for (const path of ['first/2', 'first/10', 'first/11', 'second/1']) {
      await mkdir(join(repository, path), { recursive: true });
      // An empty folder, as it is left behind, is no version.
      if (path !== 'first/11') await copyFile(fixturePath('tiny.onnx'), join(repository, path, 'model.onnx'));
    }
    const argv = ['--http', '0', '--threads', '2', '--provider', 'cpu', '--json', repository];
    const done = await serve(argv, async ({ url, models }) => {
      expect(models).toEqual(['first', 'second']);
      const ready = await fetch(`${url}/v2/models/first/versions/10/ready`);
      expect(await ready.json()).toEqual({ name: 'first', version: '10', ready: true });
      expect((await fetch(`${url}/v2/models/first/versions/2`)).status).toBe(404);
    });
    expect(done).toEqual({ code: 0, complaint: '' });
    const one = await serve(['--http', '0', '--json', join(repository, 'second')], async ({ models }) => {
      expect(models).toEqual(['second']);
    });
    expect(one.code).toBe(0);
  });

  it('runs a model on the provider that is asked for, or not at all', async () => {
    const done = await serve(['--http', '0', '--provider', 'tensorrt', fixturePath('tiny.onnx')]);
    expect(done).toMatchObject({ code: 1, complaint: expect.stringMatching(/PROVIDER_NOT_AVAILABLE$/) });
  });

  it('refuses a file that is no model', async () => {
    const garbage = join(dir, 'garbage.onnx');
    await writeFile(garbage, 'no model');
    const done = await serve(['--port', '0', garbage]);
    expect(done).toMatchObject({ code: 1, complaint: expect.stringMatching(/MODEL_LOAD_FAILED$/) });
  });
});
