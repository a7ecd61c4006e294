import { join } from 'node:path';
import process from 'node:process';
import { pino } from 'pino';
import { ensureAdminToken } from './adapters/admin-token.ts';
import { PackageFolder } from './adapters/agent-packages.ts';
import { openBlobs } from './adapters/blobs-fs.ts';
import { oidcProvider } from './adapters/oidc-provider.ts';
import { openOnlineSigner } from './adapters/online-signer.ts';
import { scryptPasswords } from './adapters/passwords-scrypt.ts';
import { openPki } from './adapters/pki.ts';
import { openStores } from './adapters/store-sqlite/index.ts';
import { openTicketKeys } from './adapters/ticket-keys.ts';
import { webhookSender } from './adapters/webhook-sender.ts';
import { startPeopleSide } from './api/people-side.ts';
import { AuditTrail } from './audit/audit-trail.ts';
import { CheckpointFile } from './audit/checkpoint-file.ts';
import { resultsTaker } from './bundles/carried-results.ts';
import type { ServerConfig } from './config.ts';
import { asListenError } from './config-listen-error.ts';
import { oidcConfigOf } from './config-oidc.ts';
import { VERSION } from './config-version.ts';
import { webhookAuthorities } from './config-webhooks.ts';
import { startDeviceSide } from './device-contact/index.ts';
import type { Log } from './ports/log.ts';
import { startRolloutEngine } from './rollout-engine/engine.ts';
import { startTelemetryKeeper } from './telemetry/keeper.ts';
import { startWebhooks } from './webhooks/worker.ts';

const STOP_MS = 5_000;
const CHECKPOINT_MS = 5 * 60_000;

/** Puts the server together and runs it until SIGTERM or SIGINT. */
export async function runServer(config: ServerConfig): Promise<void> {
  const log = pino({
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
  });
  const closers: (() => void | Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) {
      await Promise.resolve(close()).catch((err: unknown) => log.error({ err }, 'stop failed'));
    }
  };
  const stopped = untilSignal();
  try {
    const ready = await start(config, log, (close) => closers.push(close));
    log.info(ready, 'server ready');
    const signal = await stopped;
    log.info({ signal }, 'server stopping');
    // A part that does not end in time must not keep the process: everything durable was committed before it was answered.
    setTimeout(() => process.exit(0), STOP_MS - 500).unref();
  } catch (err) {
    throw asListenError(err, config);
  } finally {
    await stop();
  }
  log.info({}, 'server stopped');
}

async function start(
  config: ServerConfig,
  log: Log,
  onStop: (close: () => void | Promise<void>) => void,
): Promise<object> {
  const { fleet, dataDir, publicHost } = config;
  const clock = Date.now;
  const oidc = oidcConfigOf(config.oidc);
  const sender = webhookSender({
    allow: config.webhooks.allow,
    userAgent: `ringfleet/${VERSION}`,
    clock,
    ...webhookAuthorities(config.webhooks),
  });
  const stores = openStores(dataDir, { log, clock });
  onStop(() => stores.close());
  const blobs = await openBlobs(join(dataDir, 'blobs'));
  const pki = await openPki(dataDir, { fleet, publicHost, nowMs: clock(), log });
  const signer = await openOnlineSigner(dataDir);
  const adminToken = await ensureAdminToken(dataDir);
  const tickets = await openTicketKeys(dataDir, clock());

  const checkpoints = new CheckpointFile(join(dataDir, 'audit', 'checkpoints.jsonl'));
  const auditTrail = new AuditTrail({ store: stores.audit, file: checkpoints, signer, fleet, clock, log });
  auditTrail.start(CHECKPOINT_MS);
  onStop(() => auditTrail.stop());

  const devices = await startDeviceSide({ stores, blobs, pki, signer, config, log, clock, tickets });
  onStop(() => devices.stop());
  const engine = startRolloutEngine({ stores, clock, log, tickMs: config.tickMs });
  onStop(() => engine.stop());
  const keeper = startTelemetryKeeper({ stores, clock, log });
  onStop(() => keeper.stop());
  const webhooks = startWebhooks({ stores, sender, fleet, clock, log, random: Math.random });
  onStop(() => webhooks.stop());
  const people = await startPeopleSide({
    stores,
    blobs,
    adminToken,
    passwords: scryptPasswords(),
    auditTrail,
    webhookSender: sender,
    bundles: devices.bundles,
    takeResults: resultsTaker({ fleet, stores, pki, clock }),
    identityProvider: oidc && oidcProvider(oidc),
    clock,
    log,
    caPin: pki.caPin,
    caPem: pki.caPem,
    packages: new PackageFolder(config.packages.dir ?? join(dataDir, 'packages'), VERSION),
    onlineKey: signer,
    tls: pki.serverTls,
    enrollmentRoutes: devices.enrollmentRoutes,
    config: { ...config, version: VERSION },
  });
  onStop(() => people.stop());
  return {
    component: 'server',
    version: VERSION,
    fleet,
    dataDir,
    people: people.httpsUrl,
    plain: people.plainUrl,
    device: devices.deviceUrl,
    mqtt: devices.mqttUrl,
    signIn: people.signInUrl,
    ...(people.setUpUrl === null ? {} : { setUp: people.setUpUrl }),
  };
}

function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
}
