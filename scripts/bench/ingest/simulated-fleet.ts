import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { stringify } from 'yaml';
import { PROGRAMS } from '../../demo/processes.ts';
import type { BenchContext } from '../context.ts';
import type { DevicesAnswer, DevicesAsked } from '../load/devices-worker.ts';
import { type Program, startProgram } from '../programs.ts';
import { WorkerProcess } from '../worker-process.ts';
import { FLEET, type FleetFolder } from './fleet-folder.ts';

export interface RunningServer extends Program {
  readonly mqtt: string;
  readonly plain: string;
}

/** The bundled server on a data folder; `mqttPort` where devices already know it, else any. */
export async function startServer(
  context: BenchContext,
  dataDir: string,
  { mqttPort = 0, windowMs = 30_000 }: { mqttPort?: number; windowMs?: number } = {},
): Promise<RunningServer> {
  const config = join(context.dir, 'server.yaml');
  const host = '127.0.0.1';
  const people = { host, port: 0, plainPort: 0 };
  const ports = { people, device: { host, port: 0 }, mqtt: { host, port: mqttPort } };
  writeFileSync(config, stringify({ fleet: FLEET, publicHost: host, reconnectWindowMs: windowMs, ...ports }));
  const args = [PROGRAMS.server, '--config', config, '--data-dir', dataDir];
  const server = await startProgram(args, { readyWith: '"server ready"' });
  context.atEnd(() => server.stop());
  const { mqtt, plain } = JSON.parse(server.ready) as { mqtt: string; plain: string };
  return { ...server, mqtt, plain };
}

export interface Devices {
  ask(asked: DevicesAsked): Promise<DevicesAnswer>;
}

/** All devices of the folder, connected. */
export async function connectDevices(
  context: BenchContext,
  url: string,
  { devices, ca, digest }: FleetFolder,
): Promise<Devices> {
  const worker = new WorkerProcess('devices-worker.ts');
  context.atEnd(() => worker.stop());
  await worker.ask<DevicesAnswer>({ kind: 'connect', server: { url, ca, digest }, devices });
  return { ask: (asked) => worker.ask<DevicesAnswer>(asked) };
}

/** Reports that a device was told are stored and that a newly opened store does not hold. */
export function lostOf(dataDir: string, { storedUpTo }: DevicesAnswer): number {
  const db = new BetterSqlite3(join(dataDir, 'telemetry.db'));
  try {
    const count = db.prepare<[string, number], { n: number }>(
      'SELECT count(*) AS n FROM heartbeats WHERE device = ? AND seq <= ?',
    );
    const missing = ([id, upTo]: [string, number]): number => upTo - (count.get(id, upTo)?.n ?? 0);
    return Object.entries(storedUpTo).reduce((sum, one) => sum + missing(one), 0);
  } finally {
    db.close();
  }
}
