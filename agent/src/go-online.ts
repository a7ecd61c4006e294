import type { Command } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';
import type { MqttBus } from './adapters/bus-mqtt.ts';
import type { DeviceHttp } from './adapters/device-http.ts';
import type { Identity } from './adapters/identity.ts';
import type { ProxyFor } from './adapters/proxy-choice.ts';
import { lifeOf, renew } from './adapters/renew.ts';
import { systemClock } from './adapters/system-clock.ts';
import type { TrustedClock } from './adapters/trusted-clock.ts';
import type { AgentConfig } from './config.ts';
import { keepTime } from './keep-time.ts';
import type { TimeStore } from './ports/time-store.ts';
import type { AgentSupervisor } from './supervisor/agent-supervisor.ts';
import type { AssignmentIntake } from './supervisor/assignment-intake.ts';
import type { NetworkWatch } from './supervisor/network-watch.ts';
import { keepRenewed } from './supervisor/renewal-keeper.ts';
import { ServerNotices } from './supervisor/server-notices.ts';
import type { Uplink } from './supervisor/uplink.ts';

export interface OnlineParts {
  readonly stateDir: string;
  readonly config: AgentConfig;
  readonly identity: Identity;
  readonly clock: TrustedClock;
  readonly trust: TimeStore;
  readonly api: DeviceHttp;
  readonly bus: MqttBus;
  readonly proxyFor: ProxyFor;
  readonly network: NetworkWatch;
  readonly uplink: Uplink;
  readonly agent: AgentSupervisor;
  readonly intake: AssignmentIntake;
  /** As it is now: it can be changed while the agent runs. */
  readonly poll: () => AgentConfig['poll'];
  readonly log: Logger;
}

/** Everything that needs the server: signed time first, then reports, assignments and renewals, until the signal. */
export async function goOnline(parts: OnlineParts, signal: AbortSignal): Promise<void> {
  const { config, identity, clock, bus, api, uplink, agent, intake, network, proxyFor, log } = parts;
  const nowMs = () => clock.nowMs();
  const apiUrl = config.server.apiUrl ?? identity.apiUrl;
  const peopleUrl = peopleUrlOf(identity);
  let current = identity;
  const reportTrust = (code: string, message: string): void => {
    agent
      .report({ kind: 'trust', severity: 'warning', code, message: message.slice(0, 1000) })
      .catch((err: unknown) => log.error({ err, component: 'identity' }, 'failure cannot be saved'));
  };
  const time = keepTime({
    clock,
    trust: parts.trust,
    caPem: identity.caPem,
    doors: () => [
      { url: peopleUrl, proxyFor },
      { url: apiUrl, enrolledUrl: identity.apiUrl, client: current, proxyFor },
    ],
    onRefused: reportTrust,
    log,
  });
  const keeper = {
    clock,
    log,
    life: () => lifeOf(current),
    renew: async (step: 'due' | 'ended') => {
      const { stateDir } = parts;
      const hasEnded = step === 'ended';
      current = await renew({ stateDir, identity: current, apiUrl, peopleUrl, hasEnded, nowMs, proxyFor });
      api.use(current);
      bus.use(current);
    },
    onFailed: reportTrust,
  };
  const notices = new ServerNotices({ log, report: (body) => agent.report(body) });
  const waitMs = (): number => {
    const { periodMs, offlineMs } = parts.poll();
    return bus.isConnected ? periodMs : Math.min(offlineMs, periodMs);
  };
  const timed = time.run(signal);
  // What is judged by a wrong clock would be refused, and reported as refused.
  await time.tried;
  if (!signal.aborted) {
    uplink.start();
    bus.start({
      connected: () => {
        network.worked();
        uplink.connected();
      },
      disconnected: () => uplink.disconnected(),
      failed: (err) => network.failed(err),
      desired: ({ assignment }) => {
        if (assignment === undefined) void intake.poll();
        else intake.offer(typeof assignment === 'string' ? assignment : JSON.stringify(assignment));
      },
      ack: (ack) => {
        network.worked();
        void uplink.acknowledged(ack);
      },
      notice: (kind, notice) => notices.take(kind, notice),
      command: (command) => void obey(command, agent, intake, clock.nowMs()),
    });
    await Promise.all([keepRenewed(keeper, signal), pollForEver(intake, waitMs, network, signal)]);
  }
  await timed;
}

/** Devices of the first version did not keep where they enrolled: the default port of the same host. */
function peopleUrlOf({ peopleUrl, apiUrl }: Identity): string {
  if (peopleUrl !== undefined) return peopleUrl.replace(/\/+$/, '');
  return `https://${new URL(apiUrl).hostname}:8443`;
}

async function pollForEver(
  intake: AssignmentIntake,
  waitMs: () => number,
  network: NetworkWatch,
  signal: AbortSignal,
): Promise<void> {
  // Not by the clock, which may be set in the middle of a wait.
  for (let lastMs = performance.now(); !signal.aborted; lastMs = performance.now()) {
    await intake.poll();
    const jitter = 0.8 + 0.4 * systemClock.random();
    // Looked at again and again, because the wait is shorter while MQTT is away.
    while (!signal.aborted && performance.now() - lastMs < waitMs() * jitter) {
      network.willLook(waitMs() * jitter - (performance.now() - lastMs));
      await systemClock.sleep(Math.min(1_000, waitMs()), signal);
    }
  }
}

async function obey(
  command: Command,
  agent: AgentSupervisor,
  intake: AssignmentIntake,
  nowMs: number,
): Promise<void> {
  const answer = (code: string, message: string): Promise<void> =>
    agent.report({
      kind: 'answer',
      severity: 'info',
      code,
      message,
      data: { command: command.id, op: command.op },
    });
  if (command.expires < nowMs) return answer('COMMAND_EXPIRED', 'the command was too old when it arrived');
  switch (command.op) {
    case 'report':
      await agent.heartbeat();
      return answer('COMMAND_DONE', 'a heartbeat was written');
    case 'poll':
      await intake.poll();
      return answer('COMMAND_DONE', 'the assignment was asked for');
    case 'restartRunner':
      return answer('COMMAND_UNSUPPORTED', 'this version of the agent does not restart runners on request');
    default:
      return command.op satisfies never;
  }
}
