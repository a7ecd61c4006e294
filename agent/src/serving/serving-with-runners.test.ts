import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeInferResponse, encodeInferRequest, numbersOf, type WireBody } from '@ringfleet/shared/v2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPlainChildRuntime } from '../adapters/runner-child.ts';
import type { Runner } from '../ports/runtime.ts';
import { makeTinySlot, type TinySlotOptions, tinyInput } from '../runner/tiny-slot.fixture.ts';
import { createRouter, type ServingRouter } from './router.ts';
import { type Serving, startServing } from './start-serving.ts';

const log = { debug: () => undefined, warn: () => undefined, error: () => undefined };
const agent = new Agent({ keepAlive: true });
let dir: string;
let router: ServingRouter;
let serving: Serving;
let runners: Runner[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'serving-runners-'));
});
afterAll(async () => {
  agent.destroy();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  router = createRouter();
  serving = await startServing({ router, log, version: '0', socketPath: join(dir, 'v2.sock') });
});
afterEach(async () => {
  await serving.stop(0);
  await Promise.all(runners.splice(0).map((runner) => runner.stop(0)));
  runners = [];
});

async function start(version: string, options: Partial<TinySlotOptions> = {}): Promise<Runner> {
  const slotDir = await mkdtemp(join(dir, 'slot-'));
  const spec = await makeTinySlot({ slotDir, version, ...options });
  const runtime = createPlainChildRuntime({ runDir: join(dir, 'run'), log });
  const runner = await runtime.start(spec, new AbortController().signal);
  runners.push(runner);
  return runner;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The class and the id that came back. */
  readonly best: number;
  readonly id: string | undefined;
}

function ask(row: readonly number[], id = 'one'): Promise<Answer> {
  const wire: WireBody = encodeInferRequest({ id, inputs: [tinyInput([row])] }, { binary: true });
  const headers = { 'inference-header-content-length': String(wire.headerBytes) };
  return new Promise((resolve, reject) => {
    const where = {
      socketPath: serving.socketPath,
      agent,
      method: 'POST',
      path: '/v2/models/tiny/infer',
      headers,
    };
    const req = request(where, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => {
        const body = Buffer.concat(chunks);
        const status = res.statusCode ?? 0;
        if (status !== 200) return resolve({ status, headers: res.headers, best: -1, id: undefined });
        const answer = decodeInferResponse(body, Number(res.headers['inference-header-content-length']));
        const values = Array.from(numbersOf(answer.outputs[0] as never));
        resolve({ status, headers: res.headers, best: values.indexOf(Math.max(...values)), id: answer.id });
      });
    });
    req.on('error', reject);
    req.end(wire.body);
  });
}

// Each test starts processes, which on a busy machine take seconds.
describe('serving with real runners', { timeout: 30_000 }, () => {
  it('answers from the previous release what hangs the active one, within the time of the caller', async () => {
    const previous = await start('1.0.0');
    const hanging = await start('1.1.0', { onnx: 'hang.onnx', inferMs: 150 });
    router.route('tiny', hanging, previous);
    expect((await ask([0, 3, 0, 0])).headers['ringfleet-release']).toBe('1.1.0');
    const [stuck, behind] = await Promise.all([ask([200, 0, 0, 0]), ask([0, 0, 3, 0])]);
    expect(stuck).toMatchObject({ status: 200, best: 0 });
    expect(behind).toMatchObject({ status: 200, best: 2 });
    expect(stuck.headers).toMatchObject({ 'ringfleet-release': '1.0.0', 'ringfleet-fallback': 'true' });
    expect(await hanging.exited).toMatchObject({ code: 'EXECUTION_LIMIT_EXCEEDED' });
    expect((await ask([3, 0, 0, 0])).headers['ringfleet-fallback']).toBe('true');
    expect(router.counts('tiny', hanging.spec.digest)).toMatchObject({
      fallbacks: 3,
      runnerExits: 1,
      failures: 1,
    });
  });

  it('loses nothing when the active runner is killed and another one is routed', async () => {
    const first = await start('1.0.0');
    router.route('tiny', first);
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const waiting = ask([3, 0, 0, 0]);
    router.route('tiny', await start('1.0.0'));
    expect(await waiting).toMatchObject({ status: 200, best: 0 });
  });

  it('switches under load without a failed, doubled or wrong answer', async () => {
    let active = await start('1.0.0');
    router.route('tiny', active);
    const versions = new Map<string, number>();
    const seen = new Set<string>();
    const problems: Answer[] = [];
    let isDone = false;
    let sent = 0;
    const client = async (): Promise<void> => {
      while (!isDone) {
        const n = sent++;
        const row = [0, 0, 0, 0].map((_, i) => (i === n % 3 ? 5 : 0));
        const answer = await ask(row, `${n}`);
        if (answer.best !== n % 3 || answer.id !== `${n}` || seen.has(answer.id)) problems.push(answer);
        seen.add(`${n}`);
        const release = String(answer.headers['ringfleet-release']);
        versions.set(release, (versions.get(release) ?? 0) + 1);
      }
    };
    const clients = Array.from({ length: 4 }, client);
    for (const version of ['1.1.0', '1.2.0', '1.3.0']) {
      const old = active;
      active = await start(version);
      router.route('tiny', active);
      await router.drained(old, 5_000);
      await old.stop(5_000);
      await expect.poll(() => versions.get(version) ?? 0, { timeout: 5_000 }).toBeGreaterThan(20);
    }
    isDone = true;
    await Promise.all(clients);
    expect(problems).toEqual([]);
    expect(seen.size).toBe(sent);
    expect([...versions.keys()]).toEqual(['1.0.0', '1.1.0', '1.2.0', '1.3.0']);
    expect(router.counts('tiny', active.spec.digest).answers).toBe(versions.get('1.3.0'));
    expect((await active.counts()).answers).toBe(versions.get('1.3.0'));
  });
});
