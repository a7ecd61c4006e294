import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join, resolve } from 'node:path';
import type { Hello } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';
import { FsBlobStore } from './adapters/blobs-fs.ts';
import { MqttBus } from './adapters/bus-mqtt.ts';
import { cronCalendar } from './adapters/cron-calendar.ts';
import { readCapabilities } from './adapters/device-facts.ts';
import { DeviceHttp } from './adapters/device-http.ts';
import { HoldFile } from './adapters/hold-file.ts';
import { type Identity, readIdentity } from './adapters/identity.ts';
import { JournalClient } from './adapters/journal-client.ts';
import { type ProbedProviders, probeProviders, unusableOf } from './adapters/provider-probe.ts';
import { proxyChoice } from './adapters/proxy-choice.ts';
import { runFolderOf } from './adapters/run-folder.ts';
import { createPlainChildRuntime, type PlainChildOptions } from './adapters/runner-child.ts';
import { createUnitRuntime, hasRunnerUnits } from './adapters/runner-unit.ts';
import { signedResults } from './adapters/signed-results.ts';
import { FsSlots } from './adapters/slots-fs.ts';
import { systemClock } from './adapters/system-clock.ts';
import { TrustedClock } from './adapters/trusted-clock.ts';
import type { AgentConfig } from './config.ts';
import type { Desired } from './core/assignment-plan.ts';
import type { DeviceFacts } from './core/constraints.ts';
import { goOnline } from './go-online.ts';
import type { Runtime } from './ports/runtime.ts';
import { fallbackPolicies } from './serving/model-config.ts';
import { createRouter } from './serving/router.ts';
import { startFrontEnds } from './serving/start-front-ends.ts';
import { statusLine } from './status-line.ts';
import { startStreams } from './streaming/start-streams.ts';
import { AgentSupervisor } from './supervisor/agent-supervisor.ts';
import { AssignmentIntake } from './supervisor/assignment-intake.ts';
import { BundleImport } from './supervisor/bundle-import.ts';
import { importRoutes } from './supervisor/control-import.ts';
import { startControlServer } from './supervisor/control-server.ts';
import { holdVerbs } from './supervisor/hold-verbs.ts';
import { NetworkWatch } from './supervisor/network-watch.ts';
import { RateLimiter } from './supervisor/rate-limiter.ts';
import { ReleaseFetcher } from './supervisor/release-fetcher.ts';
import { Uplink } from './supervisor/uplink.ts';
import { WipeIntake } from './supervisor/wipe-intake.ts';
import { AGENT_VERSION, BUILD_MS } from './version.ts';
import { beginWipe, wipesDone } from './wipe-device.ts';

/** How long a start waits for what was committed before it says that it is ready. */
const READY_WAIT_MS = 10_000;
const PERIOD_LOOK_MS = 5_000;
const SERVING_GRACE_MS = 1_500;
/** How long a device that is to erase itself tries to say so first. */
const WIPE_REPORT_MS = 10_000;

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
  const choice = { ...config.runtime, cacheDir: join(stateDir, 'engines') };
  const runDirOfRunners = join(runDir, 'runners');
  let probed: ProbedProviders | undefined;
  // Asked for first when what was committed already answers: probing must not delay an answer.
  const probing = once(async () => {
    const cacheFile = join(stateDir, 'providers.json');
    probed = await probeProviders({ runtime: choice, runDir: runDirOfRunners, log, cacheFile });
    log.info({ component: 'providers', ...probed }, 'providers probed');
    return probed;
  });
  const capabilities = async () => readCapabilities(stateDir, AGENT_VERSION, await probing());
  const facts = async (): Promise<DeviceFacts> => {
    const { arch, os, providers, runtime, memoryBytes, diskFreeBytes } = await capabilities();
    return {
      arch,
      os,
      providers: providers.filter((one) => one.state === 'ok').map((one) => one.name),
      runtime: runtime.version,
      memoryBytes,
      diskFreeBytes,
      diskReserveBytes: config.disk.reserveBytes,
    };
  };
  const instance = randomUUID();
  const hello = async (): Promise<Hello> => ({
    v: 1,
    at: clock.nowMs(),
    journal: opened.journal,
    start: opened.start,
    instance,
    capabilities: await capabilities(),
    generation: agent.generation,
    models: agent.running(),
    oldest: await journal.oldest(),
  });

  const uplink = new Uplink({ journal, bus, api, clock, log, hello });
  const agent = new AgentSupervisor({
    opened,
    journal,
    runtime:
      options.runtime ??
      chooseRuntime(config.runner.sockets, {
        runDir: runDirOfRunners,
        log,
        runtime: choice,
        unusable: () => unusableOf(probed?.providers ?? []),
        profileOf: (model) =>
          config.models.list.find((one) => one.model === model)?.profile ?? config.runtime.profile,
      }),
    router,
    slots,
    blobs,
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
    keepsPrevious: (model) => policyOf(model).kind === 'previous',
    trust: journal,
    onReports: () => uplink.kick(),
  });
  undo.push(() => agent.stop());

  const stopping = new AbortController();
  const reportTrust = (code: string, message: string): void => {
    agent
      .report({ kind: 'trust', severity: 'warning', code, message: message.slice(0, 1000) })
      .catch((err: unknown) => log.error({ err, component: 'identity' }, 'failure cannot be saved'));
  };
  const wiped = Promise.withResolvers<void>();
  const wipes = new WipeIntake({
    trust: journal,
    api,
    clock,
    log,
    done: () => wipesDone(stateDir),
    onRefused: reportTrust,
    onAccepted: async ({ order, expires, reason }) => {
      await beginWipe(stateDir, { order, expires });
      const message = `this device erases itself by order ${order}${reason === '' ? '' : `: ${reason}`}`;
      await agent.report({
        kind: 'lifecycle',
        severity: 'warning',
        code: 'WIPE_ACCEPTED',
        message,
        data: { order },
      });
      await uplink.untilEmpty(AbortSignal.any([stopping.signal, AbortSignal.timeout(WIPE_REPORT_MS)]));
      wiped.resolve();
    },
  });

  const onAccepted = (desired: Desired): void => {
    const isNewer = desired.generation > agent.generation;
    log.info(
      { component: 'assignment', generation: desired.generation, models: desired.models.length },
      'assignment accepted',
    );
    agent.follow(desired);
    // A renewed signature of the same generation needs no answer; the server would renew it again.
    if (isNewer) void uplink.sayHello();
  };
  const onRefused = (code: string, message: string): void => {
    // A server that was restored from a backup learns from it how far this device is.
    void uplink.sayHello();
    agent
      .report({ kind: 'trust', severity: 'error', code, message: message.slice(0, 1000) })
      .catch((err: unknown) => log.error({ err, component: 'assignment' }, 'refusal cannot be saved'));
  };
  const intake = new AssignmentIntake({
    trust: journal,
    api,
    clock,
    log,
    onAccepted,
    onWipe: (name) => void wipes.hinted(name, stopping.signal),
    onRefused,
  });
  const bundles = new BundleImport({
    trust: journal,
    blobs,
    hasher: journal,
    facts,
    clock,
    log,
    onAccepted,
    onRefused,
    onAck: (ack) => uplink.acknowledged(ack),
  });
  const results = async () => {
    await agent.heartbeat();
    return signedResults({ identity: () => readIdentity(stateDir), journal, hello, clock });
  };

  const { grpc, metrics } = config;
  const serving = await startFrontEnds({
    router,
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

  const { http } = serving;
  const socket = serving.socketPath ?? '';
  const status = async (): Promise<unknown> => ({
    version: AGENT_VERSION,
    fleet: identity.fleet,
    device: identity.device,
    pid: process.pid,
    http,
    socket,
    grpc: serving.grpc,
    grpcSocket: serving.grpcSocketPath,
    metrics: serving.metrics,
    isConnected: bus.isConnected,
    via: bus.via,
    network: network.fault,
    contact: network.contact,
    nowMs: clock.nowMs(),
    clock: { signedAtMs: clock.signedAtMs, systemAheadMs: Math.round(clock.systemMs() - clock.nowMs()) },
    providers: agent.providers(),
    generation: agent.generation,
    outbox: await journal.stats(),
    hold: hold.current,
    lastEnd: opened.lastEnd,
    models: agent.states(),
  });
  const control = await startControlServer(
    join(runDir, 'control.sock'),
    { status, ...holdVerbs(hold, agent, clock) },
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
    http,
    socket,
    isVolatile: opened.isVolatile,
    status,
    wiped: wiped.promise,
    neglected: () => agent.neglected(),
    statusLine: () => statusLine({ ...identity, isConnected: bus.isConnected, models: agent.states() }),
    reconfigure: (wanted) => {
      live = wanted;
    },
    stop,
  };
}

/** Under systemd with our units each runner is a unit of its own; else a plain child. */
function chooseRuntime(sockets: string, options: PlainChildOptions): Runtime {
  const isUnit = sockets !== '' && hasRunnerUnits(sockets);
  options.log.debug({ component: 'runner', isUnit, sockets }, 'runners are launched');
  return isUnit ? createUnitRuntime({ ...options, socketDir: sockets }) : createPlainChildRuntime(options);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    // What failed once is tried again when it is asked for next.
    made ??= make().catch((err: unknown) => {
      made = undefined;
      throw err;
    });
    return made;
  };
}

/** The period is looked at while it runs, because it can be changed. */
async function every(periodMs: () => number, job: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await job();
    const doneMs = performance.now();
    for (let leftMs = periodMs(); leftMs > 0 && !signal.aborted; ) {
      await systemClock.sleep(Math.min(leftMs, PERIOD_LOOK_MS), signal);
      leftMs = doneMs + periodMs() - performance.now();
    }
  }
}
