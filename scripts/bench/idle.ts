import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark } from './context.ts';
import { FleetOfOne } from './fleet-of-one.ts';
import { childrenOf, figuresOf } from './proc.ts';
import { atMost, info, type Result } from './results.ts';

/** Start-up work, probing of providers and the first reports are over by then. */
const SETTLE_MS = 15_000;
const WATCH_MS = 60_000;
const VERSION = '1.0.0';
const MB = 1024 * 1024;

/** DESIGN §10 "agent, idle, bundled": the service, connected to its server, that nobody asks anything. */
export const idle: Benchmark = async (context) => {
  context.say('starting a server and one agent');
  const fleet = await FleetOfOne.start(context, [VERSION]);
  const { pid } = fleet.agent;
  context.say(`watching the agent without a model for ${WATCH_MS / 1000} s`);
  await sleep(SETTLE_MS);
  const empty = await watch([pid], WATCH_MS);
  await fleet.assign(VERSION);
  context.say(`watching the agent with one runner for ${WATCH_MS / 1000} s`);
  await sleep(SETTLE_MS);
  const runners = childrenOf(pid);
  const loaded = await watch([pid, ...runners], WATCH_MS);
  const alone = figuresOf(pid);
  return [
    atMost('agent without runner, RSS', empty.rssBytes / MB, 80, 'MB'),
    info('agent without runner, PSS', empty.pssBytes / MB, 'MB'),
    ...activity('agent without runner', empty),
    atMost(`agent with ${runners.length} small runner, PSS of both`, loaded.pssBytes / MB, 170, 'MB'),
    info('  of it the agent', alone.pssBytes / MB, 'MB'),
    info('  of it the runner', (loaded.pssBytes - alone.pssBytes) / MB, 'MB'),
    ...activity('agent with one small runner', loaded),
  ];
};

interface Watched {
  readonly rssBytes: number;
  readonly pssBytes: number;
  readonly corePercent: number;
  readonly wakeupsPerSecond: number;
}

async function watch(pids: readonly number[], ms: number): Promise<Watched> {
  const sum = () => {
    const all = pids.map(figuresOf);
    const of = (field: keyof (typeof all)[number]): number =>
      all.reduce((total, one) => total + one[field], 0);
    return {
      at: performance.now(),
      rss: of('rssBytes'),
      pss: of('pssBytes'),
      cpu: of('cpuMs'),
      woken: of('wakeups'),
    };
  };
  const before = sum();
  await sleep(ms);
  const after = sum();
  const elapsedMs = after.at - before.at;
  return {
    rssBytes: after.rss,
    pssBytes: after.pss,
    corePercent: (100 * (after.cpu - before.cpu)) / elapsedMs,
    wakeupsPerSecond: (1000 * (after.woken - before.woken)) / elapsedMs,
  };
}

const activity = (who: string, { corePercent, wakeupsPerSecond }: Watched): Result[] => [
  atMost(`${who}, processor`, corePercent, 1, '% of a core'),
  info(`${who}, wake-ups`, wakeupsPerSecond, '1/s'),
];
