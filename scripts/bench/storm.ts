import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark } from './context.ts';
import { makeFleetFolder } from './ingest/fleet-folder.ts';
import { connectDevices, lostOf, startServer } from './ingest/simulated-fleet.ts';
import { percentile } from './percentiles.ts';
import { figuresOf } from './proc.ts';
import { atMost, info } from './results.ts';

const DEVICES = 10_000;
/** What the server announces unless it is told otherwise. */
const WINDOW_MS = 30_000;
const GRACE_MS = 60_000;
const LOOK_MS = 100;
const MB = 1024 * 1024;

/** DESIGN §10 "reconnect storm": the server is killed and started again, and all its devices come back at once. */
export const storm: Benchmark = async (context) => {
  const { devices: count = DEVICES } = context;
  const dataDir = join(context.dir, 'server');
  context.say(`making ${count} devices`);
  const fleet = await makeFleetFolder(dataDir, count);
  const first = await startServer(context, dataDir, { windowMs: WINDOW_MS });
  context.say('connecting them');
  const devices = await connectDevices(context, first.mqtt, fleet);
  await devices.ask({ kind: 'send', reports: 1, window: 1 });

  context.say(`killing the server; the devices come back within ${WINDOW_MS / 1_000} s`);
  process.kill(first.pid, 'SIGKILL');
  const began = performance.now();
  const coming = devices.ask({ kind: 'storm', windowMs: WINDOW_MS, deadlineMs: WINDOW_MS + GRACE_MS });
  const server = await startServer(context, dataDir, {
    mqttPort: Number(new URL(first.mqtt).port),
    windowMs: WINDOW_MS,
  });
  const over = new AbortController();
  const watching = watch(server.pid, server.plain, tokenOf(dataDir), over.signal);
  const back = await coming;
  const elapsedMs = performance.now() - began;
  over.abort();
  const { latenciesMs, rssBytes, failed } = await watching;
  return [
    info('devices', count, ''),
    atMost('devices that did not come back', count - back.connected, 0, ''),
    atMost(
      'until the last first report was acknowledged',
      elapsedMs / 1_000,
      (WINDOW_MS + GRACE_MS) / 1_000,
      's',
    ),
    info('handshakes that a ticket resumed', (100 * back.resumed) / Math.max(1, back.connected), '%'),
    atMost('API meanwhile, p99', percentile(latenciesMs, 0.99), 1_000, 'ms'),
    info('  questions', latenciesMs.length, ''),
    atMost('  of them failed', failed, 0, ''),
    atMost('server, highest RSS', rssBytes / MB, 1_024, 'MB'),
    info('reports acknowledged', back.acknowledged, ''),
    atMost('  of them lost', lostOf(dataDir, back), 0, ''),
  ];
};

/** Asks the API again and again, as a dashboard would, until it is told to stop. */
async function watch(
  pid: number,
  plain: string,
  token: string,
  over: AbortSignal,
): Promise<{ latenciesMs: Float64Array; rssBytes: number; failed: number }> {
  const latencies: number[] = [];
  let failed = 0;
  let rssBytes = 0;
  while (!over.aborted) {
    const askedAt = performance.now();
    const answer = await fetch(new URL('/api/v1/devices?limit=50', plain), {
      headers: { authorization: `Bearer ${token}` },
    }).catch(() => null);
    if (!answer?.ok) failed += 1;
    await answer?.arrayBuffer();
    latencies.push(performance.now() - askedAt);
    rssBytes = Math.max(rssBytes, figuresOf(pid).rssBytes);
    await sleep(LOOK_MS);
  }
  return { latenciesMs: Float64Array.from(latencies), rssBytes, failed };
}

const tokenOf = (dataDir: string): string =>
  readFileSync(join(dataDir, 'keys', 'admin.token'), 'utf8').trim();
