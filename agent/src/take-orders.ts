import type { EventReport } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';
import type { Desired } from './core/assignment-plan.ts';
import type { Clock } from './ports/clock.ts';
import type { DeviceApi } from './ports/device-api.ts';
import type { TrustStore } from './ports/trust-store.ts';
import type { AgentSupervisor } from './supervisor/agent-supervisor.ts';
import { AssignmentIntake } from './supervisor/assignment-intake.ts';
import type { Uplink } from './supervisor/uplink.ts';
import { WipeIntake } from './supervisor/wipe-intake.ts';
import { beginWipe, wipesDone } from './wipe-device.ts';

/** How long a device that is to erase itself tries to say so first. */
const WIPE_REPORT_MS = 10_000;

export interface OrderParts {
  readonly stateDir: string;
  readonly trust: TrustStore;
  readonly api: DeviceApi;
  readonly clock: Clock;
  readonly agent: AgentSupervisor;
  readonly uplink: Uplink;
  readonly log: Logger;
}

export interface Orders {
  readonly intake: AssignmentIntake;
  /** What follows from a verified assignment, and from one that was refused; by whatever way it came. */
  readonly onAccepted: (desired: Desired) => void;
  readonly onRefused: (code: string, message: string) => void;
  /** Resolves when a signed order to erase this device was taken. */
  readonly wiped: Promise<void>;
}

/** What the server may ask of this device: to run what an assignment lists, and to erase itself where a publisher signed that. */
export function takeOrders(parts: OrderParts, signal: AbortSignal): Orders {
  const { stateDir, trust, api, clock, agent, uplink, log } = parts;
  const wiped = Promise.withResolvers<void>();
  const say = (body: EventReport): void => {
    agent
      .report(body)
      .catch((err: unknown) => log.error({ err, component: 'assignment' }, 'refusal cannot be saved'));
  };
  const onAccepted = (desired: Desired): void => {
    const isNewer = desired.generation > agent.generation;
    const { generation, models } = desired;
    log.info({ component: 'assignment', generation, models: models.length }, 'assignment accepted');
    agent.follow(desired);
    // A renewed signature of the same generation needs no answer; the server would renew it again.
    if (isNewer) void uplink.sayHello();
  };
  const onRefused = (code: string, message: string): void => {
    // A server that was restored from a backup learns from it how far this device is.
    void uplink.sayHello();
    say({ kind: 'trust', severity: 'error', code, message: message.slice(0, 1000) });
  };
  const wipes = new WipeIntake({
    trust,
    api,
    clock,
    log,
    done: () => wipesDone(stateDir),
    onRefused: (code, message) =>
      say({ kind: 'trust', severity: 'warning', code, message: message.slice(0, 1000) }),
    onAccepted: async ({ order, expires, reason }) => {
      await beginWipe(stateDir, { order, expires });
      const message = `this device erases itself by order ${order}${reason === '' ? '' : `: ${reason}`}`;
      const what = { kind: 'lifecycle', severity: 'warning', code: 'WIPE_ACCEPTED', message } as const;
      await agent.report({ ...what, data: { order } });
      // Only this event: what comes after it, a server that took the device out at once takes no more.
      await uplink.untilTold('WIPE_ACCEPTED', AbortSignal.any([signal, AbortSignal.timeout(WIPE_REPORT_MS)]));
      wiped.resolve();
    },
  });
  const onWipe = (name: string): void => void wipes.hinted(name, signal);
  const intake = new AssignmentIntake({ trust, api, clock, log, onAccepted, onWipe, onRefused });
  return { intake, onAccepted, onRefused, wiped: wiped.promise };
}
