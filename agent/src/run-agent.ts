import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join, resolve } from 'node:path';
import type { Hello } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';
import { FsBlobStore } from './adapters/blobs-fs.ts';
import { MqttBus } from './adapters/bus-mqtt.ts';
import { cronCalendar } from './adapters/cron-calendar.ts';
import { DeviceHealthReader } from './adapters/device-health.ts';
import { DeviceHttp } from './adapters/device-http.ts';
import { FsEngines } from './adapters/engines-fs.ts';
import { HoldFile } from './adapters/hold-file.ts';
import { type Identity, readIdentity } from './adapters/identity.ts';
import { JournalClient } from './adapters/journal-client.ts';
import { proxyChoice } from './adapters/proxy-choice.ts';
import { runFolderOf } from './adapters/run-folder.ts';
import { signedResults } from './adapters/signed-results.ts';
import { FsSlots } from './adapters/slots-fs.ts';
import { TrustedClock } from './adapters/trusted-clock.ts';
import { agentStatus, HEARD_MS } from './agent-status.ts';
import { chooseRuntime } from './choose-runtime.ts';
import type { AgentConfig } from './config.ts';
import { deviceKnowledge } from './device-knowledge.ts';
import { every } from './every.ts';
import { goOnline } from './go-online.ts';
import { makeTracer } from './make-tracer.ts';
import type { Runtime } from './ports/runtime.ts';
import { fallbackPolicies } from './serving/model-config.ts';
import { modelWatches } from './serving/model-watches.ts';
import { createRouter } from './serving/router.ts';
import { startFrontEnds } from './serving/start-front-ends.ts';
import { statusLine } from './status-line.ts';
import { startStreams } from './streaming/start-streams.ts';
import { AgentSupervisor } from './supervisor/agent-supervisor.ts';
import { BundleImport } from './supervisor/bundle-import.ts';
import { importRoutes } from './supervisor/control-import.ts';
import { startControlServer } from './supervisor/control-server.ts';
import { holdVerbs } from './supervisor/hold-verbs.ts';
import { NetworkWatch } from './supervisor/network-watch.ts';
import { RateLimiter } from './supervisor/rate-limiter.ts';
import { ReleaseFetcher } from './supervisor/release-fetcher.ts';
import { SentLog } from './supervisor/sent-log.ts';
import { Uplink } from './supervisor/uplink.ts';
import { takeOrders } from './take-orders.ts';
import { AGENT_VERSION, BUILD_MS } from './version.ts';

/** How long a start waits for what was committed before it says that it is ready. */
const READY_WAIT_MS = 10_000;
const SERVING_GRACE_MS = 1_500;

export interface RunAgentOptions {
  readonly stateDir: string;
  readonly config: AgentConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Instead of runner processes; for tests. */
  readonly runtime?: Runtime;
}

export interface RunningAgent {
  readonly device: string;
  readonly http: string;
  readonly socket: string;
  /** The state folder took no writes at the start: start anew when it does. */
  readonly isVolatile: boolean;
  status(): Promise<unknown>;
  /** What the supervisor should have done about a runner and has not; null when all is well. */
  neglected(): string | null;
  /** One line for the service manager. */
  statusLine(): string;
  /** Takes up what can change while it runs: how often it reports and polls. */
  reconfigure(config: AgentConfig): void;
  stop(): Promise<void>;
  /** Resolves when a signed order was taken to erase this device: it is to be stopped, and `finishWipe` called. */
  readonly wiped: Promise<void>;
}

/** Starts the whole agent: what was committed answers first, then come server, reports and updates. */
export async function runAgent(options: RunAgentOptions): Promise<RunningAgent> {
  const stateDir = resolve(options.stateDir);
  const identity = await readIdentity(stateDir);
  const undo: (() => Promise<void> | void)[] = [];
  try {
    return await start({ ...options, stateDir }, identity, undo);
  } catch (err) {
    for (const step of undo.toReversed()) await step();
    throw err;
  }
}

async function start(
  options: RunAgentOptions,
  identity: Identity,
  undo: (() => Promise<void> | void)[],
): Promise<RunningAgent> {
  const { stateDir, config, env, log } = options;
  const runDir = runFolderOf(stateDir, env);
  await mkdir(runDir, { recursive: true, mode: 0o750 });

  const { client: journal, opened } = await JournalClient.open({
    stateDir,
    maxOutboxBytes: config.disk.outboxBytes,
    fleet: identity.fleet,
    device: identity.device,
  });
  undo.push(() => journal.close());
  const clock = new TrustedClock({ buildMs: BUILD_MS, persistedMs: (await journal.timeBasis()).persistedMs });
  const nowMs = () => clock.nowMs();

  const hold = new HoldFile(stateDir);
  const policyOf = fallbackPolicies(config.models.list);
  const router = createRouter(policyOf);
  const blobs = new FsBlobStore(join(stateDir, 'blobs'), journal);
  const slots = new FsSlots(join(stateDir, 'slots'), blobs, journal);
  const proxyFor = proxyChoice(config.server.proxy, env);
  const network = new NetworkWatch({
    report: (body) => agent.report(body),
    monotonicMs: () => clock.monotonicMs(),
    nowMs,
    log,
  });
  const apiUrl = config.server.apiUrl ?? identity.apiUrl;
  const api = new DeviceHttp(identity, apiUrl, {
    nowMs,
    proxyFor,
    answered: () => network.worked(),
    failed: (err) => network.failed(err),
    pace: config.download,
  });
  undo.push(() => api.close());
  const bus = new MqttBus({
    identity,
    mqttUrl: config.server.mqttUrl ?? identity.mqttUrl,
    apiUrl,
    proxyFor,
    maxReconnectMs: config.server.maxReconnectMs,
    nowMs,
    log,
  });
  const runnersDir = join(runDir, 'runners');
  const knowledge = deviceKnowledge({ stateDir, runDir: runnersDir, config, log });
  const { capabilities, facts } = knowledge;
  const health = new DeviceHealthReader({ stateDir, agentStarts: opened.start });
  const instance = randomUUID();
  const hello = async (): Promise<Hello> => {
    const lastStored = await journal.lastStored();
    return {
      v: 1,
      at: clock.nowMs(),
      journal: opened.journal,
      start: opened.start,
      instance,
      capabilities: await capabilities(),
      generation: agent.generation,
      models: agent.running(),
      oldest: await journal.oldest(),
      ...(lastStored ? { lastStored } : {}),
    };
  };

  const sent = new SentLog(nowMs);
  const uplink = new Uplink({ journal, bus: sent.bus(bus), api: sent.api(api), clock, log, hello });
  const agent = new AgentSupervisor({
    opened,
    journal,
    runtime: options.runtime ?? chooseRuntime({ stateDir, runDir: runnersDir, config, knowledge, log }),
    router,
    slots,
    blobs,
    engines: new FsEngines(join(stateDir, 'engines')),
    fetcher: new ReleaseFetcher({
      api,
      blobs,
      hasher: journal,
      limiter: new RateLimiter(config.update.bytesPerSecond, clock),
      clock,
      log,
    }),
    clock,
    log,
    facts,
    isImporting: () => bundles.isUnderWay,
    policy: { hold: () => hold.current, windows: config.update.windows, calendar: cronCalendar },
    memoryFreeBytes: freemem,
    health: () => health.read(),
    keepsPrevious: (model) => policyOf(model).kind === 'previous',
    trust: journal,
    onReports: () => uplink.kick(),
    isOnline: () => bus.isConnected,
  });
  undo.push(() => agent.stop());

  const stopping = new AbortController();
  const orders = takeOrders({ stateDir, trust: journal, api, clock, agent, uplink, log }, stopping.signal);
  const { intake } = orders;
  const bundles = new BundleImport({
    trust: journal,
    blobs,
    hasher: journal,
    facts,
    clock,
    log,
    onAccepted: orders.onAccepted,
    onRefused: orders.onRefused,
    onAck: (ack) => uplink.acknowledged(ack),
  });
  const results = async () => {
    await agent.heartbeat();
    return sent.carried(
      await signedResults({ identity: () => readIdentity(stateDir), journal, hello, clock }),
    );
  };

  const { grpc, metrics } = config;
  const serving = await startFrontEnds({
    router,
    // Spans tell of the same device as everything else, and of the same time.
    tracer: makeTracer(config.tracing, {
      env,
      version: AGENT_VERSION,
      resource: { 'service.namespace': identity.fleet, 'service.instance.id': identity.device },
      log,
      nowMs,
    }),
    version: AGENT_VERSION,
    log,
    http: config.http,
    socketPath: config.socket.path || join(runDir, 'v2.sock'),
    keys: { http: 'http.port', socket: 'socket.path', grpc: 'grpc.port', grpcSocket: 'grpc.socket' },
    ...(grpc.enabled ? { grpc: { ...grpc, socketPath: grpc.socket || join(runDir, 'grpc.sock') } } : {}),
    ...(metrics.enabled ? { metrics } : {}),
  });
  undo.push(() => serving.stop(0));
  await agent.resume();

  const watch = modelWatches(router);
  const status = () =>
    agentStatus({ identity, opened, serving, bus, network, clock, agent, journal, hold, watch, health });
  const control = await startControlServer(
    join(runDir, 'control.sock'),
    { status, privacy: async () => sent.view(), ...holdVerbs(hold, agent, clock) },
    importRoutes(bundles, results),
  );
  undo.push(() => control.stop());
  await agent.untilServing(AbortSignal.timeout(READY_WAIT_MS));
  const streams = startStreams(config.streams.list, { router, log });
  undo.push(() => streams.stop());

  let live = config;
  const loops: Promise<void>[] = [
    every(
      () => live.report.periodMs,
      () => agent.heartbeat(),
      stopping.signal,
    ),
  ];
  if (config.server.enabled) {
    const online = { stateDir, config, identity, clock, trust: journal, api, bus, poll: () => live.poll };
    loops.push(goOnline({ ...online, proxyFor, network, uplink, agent, intake, log }, stopping.signal));
  }

  let stopped: Promise<void> | null = null;
  const stopAll = async (): Promise<void> => {
    stopping.abort();
    await streams.stop();
    await serving.stop(SERVING_GRACE_MS);
    await control.stop();
    await Promise.all([intake.stop(), agent.stop(), ...loops]);
    if (config.server.enabled) {
      await uplink.stop();
      await bus.stop();
    }
    api.close();
    await journal.close();
  };
  const stop = (): Promise<void> => {
    stopped ??= stopAll();
    return stopped;
  };
  return {
    device: identity.device,
    http: serving.http,
    socket: serving.socketPath ?? '',
    isVolatile: opened.isVolatile,
    status,
    wiped: orders.wiped,
    neglected: () => agent.neglected(),
    statusLine: () =>
      statusLine({
        ...identity,
        isConnected: bus.isConnected,
        isHeard: network.isHeard(HEARD_MS),
        fault: network.fault?.code ?? null,
        isWritable: agent.diskTrouble === null,
        models: agent.states(),
      }),
    reconfigure: (wanted) => {
      live = wanted;
    },
    stop,
  };
}
