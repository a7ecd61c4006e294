import type { MqttBus } from './adapters/bus-mqtt.ts';
import type { DeviceHealthReader } from './adapters/device-health.ts';
import type { Identity } from './adapters/identity.ts';
import type { TrustedClock } from './adapters/trusted-clock.ts';
import type { ModelWatch } from './core/model-watch.ts';
import type { Journal, Opened } from './ports/journal.ts';
import type { HoldStore } from './ports/update-policy.ts';
import type { FrontEnds } from './serving/start-front-ends.ts';
import type { AgentSupervisor } from './supervisor/agent-supervisor.ts';
import type { NetworkWatch } from './supervisor/network-watch.ts';
import { AGENT_VERSION } from './version.ts';

/** Without MQTT the server is asked every 30 s, or as the configuration says. */
export const HEARD_MS = 100_000;

export interface StatusParts {
  readonly identity: Pick<Identity, 'fleet' | 'device'>;
  readonly opened: Pick<Opened, 'lastEnd'>;
  readonly serving: FrontEnds;
  readonly bus: Pick<MqttBus, 'isConnected' | 'via'>;
  readonly network: NetworkWatch;
  readonly clock: TrustedClock;
  readonly agent: AgentSupervisor;
  readonly journal: Pick<Journal, 'stats'>;
  readonly health: Pick<DeviceHealthReader, 'last'>;
  readonly hold: HoldStore;
  readonly watch: () => Promise<Readonly<Record<string, ModelWatch>>>;
}

/** Everything that `ringfleet-agent status` shows, as JSON; `status-text.ts` makes it one screen. */
export async function agentStatus(parts: StatusParts): Promise<unknown> {
  const { identity, opened, serving, bus, network, clock, agent, journal, hold, watch, health } = parts;
  return {
    version: AGENT_VERSION,
    fleet: identity.fleet,
    device: identity.device,
    pid: process.pid,
    http: serving.http,
    socket: serving.socketPath ?? '',
    grpc: serving.grpc,
    grpcSocket: serving.grpcSocketPath,
    metrics: serving.metrics,
    isConnected: bus.isConnected,
    via: bus.via ?? (network.isHeard(HEARD_MS) ? 'https' : null),
    network: network.fault,
    contact: network.contact,
    nowMs: clock.nowMs(),
    clock: { signedAtMs: clock.signedAtMs, systemAheadMs: Math.round(clock.systemMs() - clock.nowMs()) },
    providers: agent.providers(),
    watch: await watch(),
    generation: agent.generation,
    outbox: await journal.stats(),
    disk: agent.diskTrouble,
    /** Of the newest heartbeat. */
    health: health.last,
    hold: hold.current,
    lastEnd: opened.lastEnd,
    models: agent.states(),
  };
}
