import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { stringify } from 'yaml';
import { PROGRAMS } from '../../demo/processes.ts';
import type { BenchContext, Benchmark } from '../context.ts';
import type { DevicesAnswer, DevicesAsked } from '../load/devices-worker.ts';
import { figuresOf } from '../proc.ts';
import { type Program, startProgram } from '../programs.ts';
import { atMost, info } from '../results.ts';
import { WorkerProcess } from '../worker-process.ts';
import { FLEET, type FleetFolder, makeFleetFolder } from './fleet-folder.ts';
import { storeCost } from './store-cost.ts';

const DEVICES = 64;
const WARM_UP = 10;
const REPORTS = 150;
const WINDOW = 8;
const MB = 1024 * 1024;
/** Under load before the server is killed. */
const KILL_AFTER_MS = 1_500;

/** DESIGN §10 "server ingest": processor time of one heartbeat of 20 features, in the store alone and the whole way. */
export const ingest: Benchmark = async (context) => {
  context.say(`the store alone: ${DEVICES} devices`);
  const alone = join(context.dir, 'alone');
  const storeUs = await storeCost(alone, await makeFleetFolder(alone, DEVICES));

  const dataDir = join(context.dir, 'server');
  const fleet = await makeFleetFolder(dataDir, DEVICES);
  const server = await startServer(context, dataDir);
  const devices = await connect(context, server, fleet);
  context.say(`the whole way: ${DEVICES} devices over MQTT and mTLS, ${WINDOW} reports of each on the way`);
  const before = await devices.ask<DevicesAnswer>({ kind: 'send', reports: WARM_UP, window: WINDOW });
  const startedMs = figuresOf(server.pid).cpuMs;
  const began = performance.now();
  const after = await devices.ask<DevicesAnswer>({ kind: 'send', reports: REPORTS, window: WINDOW });
  const elapsedMs = performance.now() - began;
  const { cpuMs, rssBytes } = figuresOf(server.pid);
  const messages = after.acknowledged - before.acknowledged;

  context.say('killing the server under load');
  const dying = devices.ask<DevicesAnswer>({ kind: 'send', reports: 1_000_000, window: WINDOW });
  setTimeout(() => process.kill(server.pid, 'SIGKILL'), KILL_AFTER_MS);
  const told = await dying;
  const lost = await lostOf(dataDir, told);
  return [
    atMost('store only, processor time a message', storeUs, 60, 'µs'),
    atMost('full path, processor time a message', (1_000 * (cpuMs - startedMs)) / messages, 150, 'µs'),
    info('full path, messages', messages / (elapsedMs / 1_000), '1/s'),
    info('a report of 20 features, deflated', after.bytes / (DEVICES * (WARM_UP + REPORTS)), 'bytes'),
    info('server, RSS', rssBytes / MB, 'MB'),
    info('reports acknowledged when the server was killed under load', told.acknowledged, ''),
    atMost('  of them lost', lost, 0, ''),
  ];
};

async function startServer(context: BenchContext, dataDir: string): Promise<Program & { mqtt: string }> {
  const config = join(context.dir, 'server.yaml');
  const any = () => ({ host: '127.0.0.1', port: 0 });
  const people = { ...any(), plainPort: 0 };
  writeFileSync(
    config,
    stringify({ fleet: FLEET, publicHost: '127.0.0.1', people, device: any(), mqtt: any() }),
  );
  const args = [PROGRAMS.server, '--config', config, '--data-dir', dataDir];
  const server = await startProgram(args, { readyWith: '"server ready"' });
  context.atEnd(() => server.stop());
  return { ...server, mqtt: String((JSON.parse(server.ready) as { mqtt: string }).mqtt) };
}

async function connect(
  context: BenchContext,
  { mqtt }: { mqtt: string },
  { devices, ca, digest }: FleetFolder,
): Promise<{ ask<T>(asked: DevicesAsked): Promise<T> }> {
  const worker = new WorkerProcess('devices-worker.ts');
  context.atEnd(() => worker.stop());
  await worker.ask<DevicesAnswer>({ kind: 'connect', url: mqtt, ca, digest, devices });
  return worker;
}

/** Reports that a device was told are stored and that a newly opened store does not hold. */
async function lostOf(dataDir: string, { storedUpTo }: DevicesAnswer): Promise<number> {
  const db = new BetterSqlite3(join(dataDir, 'telemetry.db'));
  try {
    const count = db.prepare<[string, number], { n: number }>(
      'SELECT count(*) AS n FROM heartbeats WHERE device = ? AND seq <= ?',
    );
    return Object.entries(storedUpTo).reduce(
      (sum, [id, upTo]) => sum + upTo - (count.get(id, upTo)?.n ?? 0),
      0,
    );
  } finally {
    db.close();
  }
}
