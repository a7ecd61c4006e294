import { join } from 'node:path';
import type { Benchmark } from '../context.ts';
import { figuresOf } from '../proc.ts';
import { atMost, info } from '../results.ts';
import { makeFleetFolder } from './fleet-folder.ts';
import { connectDevices, lostOf, startServer } from './simulated-fleet.ts';
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
  const devices = await connectDevices(context, server.mqtt, fleet);
  context.say(`the whole way: ${DEVICES} devices over MQTT and mTLS, ${WINDOW} reports of each on the way`);
  const before = await devices.ask({ kind: 'send', reports: WARM_UP, window: WINDOW });
  const startedMs = figuresOf(server.pid).cpuMs;
  const began = performance.now();
  const after = await devices.ask({ kind: 'send', reports: REPORTS, window: WINDOW });
  const elapsedMs = performance.now() - began;
  const { cpuMs, rssBytes } = figuresOf(server.pid);
  const messages = after.acknowledged - before.acknowledged;

  context.say('killing the server under load');
  const dying = devices.ask({ kind: 'send', reports: 1_000_000, window: WINDOW });
  setTimeout(() => process.kill(server.pid, 'SIGKILL'), KILL_AFTER_MS);
  const told = await dying;
  return [
    atMost('store only, processor time a message', storeUs, 60, 'µs'),
    atMost('full path, processor time a message', (1_000 * (cpuMs - startedMs)) / messages, 150, 'µs'),
    info('full path, messages', messages / (elapsedMs / 1_000), '1/s'),
    info('a report of 20 features, deflated', after.bytes / after.acknowledged, 'bytes'),
    info('server, RSS', rssBytes / MB, 'MB'),
    info('reports acknowledged when the server was killed under load', told.acknowledged, ''),
    atMost('  of them lost', lostOf(dataDir, told), 0, ''),
  ];
};
