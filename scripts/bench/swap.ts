import { availableParallelism } from 'node:os';
import { MODEL } from '../demo/sources.ts';
import type { Benchmark } from './context.ts';
import { FleetOfOne } from './fleet-of-one.ts';
import type { OpenLoopResult } from './load/open-loop.ts';
import { percentile } from './percentiles.ts';
import { childrenOf, figuresOf } from './proc.ts';
import { atMost, info, type Result } from './results.ts';
import { imagesOf } from './served-model.ts';
import { WorkerProcess } from './worker-process.ts';

const VERSIONS = ['1.0.0', '1.1.0', '1.2.0'] as const;
const CPU_SHARE = 0.3;
const PROBE = { perSecond: 500, durationMs: 4_000 };
const BEFORE_MS = 10_000;
/** Longer than two swaps take here; only what was due while a swap was on is judged. */
const DURING_MS = 40_000;

/** DESIGN §10 "swap": a release replaces another under steady load, twice. */
export const swap: Benchmark = async (context) => {
  const [first, ...next] = VERSIONS;
  context.say('starting a server and one agent with three releases');
  const fleet = await FleetOfOne.start(context, VERSIONS);
  await fleet.assign(first);
  const load = new WorkerProcess('load-worker.ts');
  context.atEnd(() => load.stop());
  const { request, idAt } = imagesOf(1).numbered(MODEL);
  const run = (perSecond: number, durationMs: number): Promise<OpenLoopResult> =>
    load.ask({ kind: 'open', address: { path: fleet.socket }, request, idAt, perSecond, durationMs });

  await run(PROBE.perSecond, PROBE.durationMs);
  const perSecond = await rateFor(fleet.agent.pid, run);
  context.say(`${Math.round(perSecond)} requests/s; ${BEFORE_MS / 1000} s without a swap`);
  const countedBefore = await counted(fleet);
  const before = await run(perSecond, BEFORE_MS);
  context.say(`${VERSIONS.join(' to ')} under load`);
  const running = run(perSecond, DURING_MS);
  // When a swap fails, that is the error that counts.
  running.catch(() => undefined);
  const spans: [number, number][] = [];
  for (const version of next) {
    const from = Date.now();
    await fleet.assign(version);
    spans.push([from, Date.now()]);
  }
  const during = await running;
  const failure = before.failure ?? during.failure;
  if (failure !== undefined) context.say(`the first that failed: ${failure}`);
  const doubled = (await counted(fleet)) - countedBefore - before.answered - during.answered;
  return figures(perSecond, before, during, spans, doubled);
};

function figures(
  perSecond: number,
  before: OpenLoopResult,
  during: OpenLoopResult,
  spans: readonly (readonly [number, number])[],
  doubled: number,
): Result[] {
  const swapping = during.latenciesUs.filter((_, i) => {
    const due = during.dueMs[i] ?? 0;
    return spans.some(([from, to]) => due >= from && due <= to);
  });
  const p99Ms = (latencies: Float64Array): number => percentile(latencies, 0.99) / 1000;
  const beforeMs = p99Ms(before.latenciesUs);
  return [
    info('rate, so that agent and runner use 30 % of the processors', perSecond, 'requests/s'),
    info('requests in all', before.sent + during.sent, 'requests'),
    info('requests due while a swap was on', swapping.length, 'requests'),
    info(
      'from the assignment to its commit, both swaps',
      spans.reduce((sum, [from, to]) => sum + to - from, 0),
      'ms',
    ),
    atMost('failed', before.failed + during.failed, 0, 'requests'),
    atMost('answered by what was not asked', before.strangers + during.strangers, 0, 'requests'),
    atMost('doubled: answers the agent counted beyond those that arrived', doubled, 0, 'requests'),
    info('p99 before', beforeMs, 'ms'),
    atMost('p99 while a swap was on', p99Ms(swapping), 2 * beforeMs + 5, 'ms'),
    info('slowest while a swap was on', percentile(swapping, 1) / 1000, 'ms'),
  ];
}

/** The rate at which agent and runner take their share of the machine, from what a request costs them. */
async function rateFor(
  pid: number,
  run: (perSecond: number, durationMs: number) => Promise<OpenLoopResult>,
): Promise<number> {
  const cpuMs = (): number => [pid, ...childrenOf(pid)].reduce((sum, one) => sum + figuresOf(one).cpuMs, 0);
  const before = cpuMs();
  const { sent } = await run(PROBE.perSecond, PROBE.durationMs);
  const perRequestMs = (cpuMs() - before) / sent;
  return (CPU_SHARE * availableParallelism() * 1000) / perRequestMs;
}

/** Answers that the agent counted, over all versions, also those it does not run any more. */
async function counted(fleet: FleetOfOne): Promise<number> {
  const text = await (await fetch(await fleet.metricsUrl())).text();
  const counts = text.matchAll(/^nv_inference_request_success\{[^}]*\} (\d+)/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}
