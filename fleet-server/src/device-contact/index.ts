import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Signer } from '@ringfleet/shared/trust';
import type { FastifyPluginAsync } from 'fastify';
import { type Bus, startBus } from '../adapters/bus-aedes.ts';
import { upgradeToMqtt } from '../adapters/mqtt-upgrade.ts';
import type { TicketKeys } from '../adapters/ticket-keys.ts';
import { enrollmentRoutes } from '../api/device/enrollment-routes.ts';
import { createDeviceServer } from '../api/device/server.ts';
import { type BundleDesk, bundleDesk } from '../bundles/bundle-desk.ts';
import type { Pace } from '../core/telemetry/intake-pace.ts';
import type { Clock, Log } from '../ports/log.ts';
import type { Pki } from '../ports/pki.ts';
import type { BlobStore, Stores } from '../ports/stores.ts';
import { lostMetadata } from '../repository/lost-metadata.ts';
import { startRepository } from '../repository/repository.ts';
import { type Assignments, assignmentMaker } from './assignments.ts';
import { cutRevoked } from './cut-revoked.ts';
import { DeviceConnections } from './device-connections.ts';
import { endWiped } from './end-wiped.ts';
import { HttpPresence } from './http-presence.ts';
import { identifier } from './identify.ts';
import { intake as makeIntake } from './intake.ts';
import { pushChanges } from './push-changes.ts';
import { refusalRecorder } from './refusals.ts';
import { renewals } from './renewals.ts';
import { tellWiped } from './tell-wiped.ts';

export interface DeviceSideConfig {
  readonly fleet: string;
  /** The name or address that devices reach this server by. */
  readonly publicHost: string;
  readonly device: { readonly host: string; readonly port: number };
  readonly mqtt: { readonly host: string; readonly port: number };
  readonly reconnectWindowMs: number;
}

export interface DeviceSideParts {
  readonly stores: Stores;
  readonly blobs: BlobStore;
  readonly pki: Pki;
  readonly signer: Signer;
  readonly config: DeviceSideConfig;
  readonly log: Log;
  readonly clock?: Clock;
  /** Absent: sessions are not resumed after a restart. */
  readonly tickets?: TicketKeys;
  /** How fast one device may send, where it is not what is usual. */
  readonly pace?: Pace;
}

export interface DeviceSide {
  readonly deviceUrl: string;
  readonly mqttUrl: string;
  /** POST /device/v1/enroll and GET /device/v1/time: register it on the people listener (no client certificate there). */
  readonly enrollmentRoutes: FastifyPluginAsync;
  /** For devices that have no contact at all. */
  readonly bundles: BundleDesk;
  /** Sends `dn/desired` to those of these devices that are connected and whose assignment changed. */
  pushDesired(devices: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

const HOUSEKEEPING_MS = 600_000;

/**
 * Opens the device listener (HTTPS with mTLS) and the MQTT listener. Pushes changed assignments by itself after every
 * commit that touches rings, labels or signed metadata.
 */
export async function startDeviceSide(parts: DeviceSideParts): Promise<DeviceSide> {
  const { stores, blobs, pki, signer, config, log, clock = Date.now } = parts;
  const { fleet } = config;
  const connections = new DeviceConnections(identifier(fleet, stores.devices, stores.identities, clock));
  const identify = (socket: TLSSocket) => connections.admit(socket);
  const assignments = assignmentMaker({ fleet, stores, signer, clock, log });
  const refusals = refusalRecorder({ store: stores.refusals, clock, log });
  const intake = makeIntake({ stores, clock, log, ...(parts.pace ? { pace: parts.pace } : {}) });
  const shared = {
    fleet,
    stores,
    signer,
    clock,
    renewals: renewals({ fleet, stores, pki, clock }),
    refusals,
    intake,
  };
  const keys = parts.tickets ? { ticketKeys: parts.tickets.current } : {};
  const repository = await startRepository({
    trust: stores.trust,
    events: stores.events,
    signer,
    clock,
    log,
  });
  let bus: Bus | null = null;
  const overMqtt = () => bus?.connected() ?? [];
  const presence = new HttpPresence({ devices: stores.devices, overMqtt, clock, log });
  const api = createDeviceServer({
    ...shared,
    blobs,
    assignments,
    repository,
    takeLost: lostMetadata({ trust: stores.trust, repository, onlineKeyId: signer.keyid, clock, log }),
    identify,
    saw: (device) => presence.saw(device),
    log,
    tls: pki.serverTls,
    rivalAnswers: async (device, instance) => (await bus?.rivalAnswers(device, instance)) ?? false,
    ...keys,
  });
  const stops: (() => Promise<unknown>)[] = [
    () => repository.stop(),
    () => intake.stop(),
    async () => presence.stop(),
    async () => api.close(),
  ];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    await api.listen(config.device);
    const started = await startBus({
      ...shared,
      ...config.mqtt,
      tls: pki.serverTls,
      ...keys,
      identify,
      // A device may connect before there is anything to assign; the push that follows brings it.
      assignmentFor: async (device) => (await assignments.assignmentsFor([device])).get(device) ?? null,
      reconnectWindowMs: config.reconnectWindowMs,
      log,
    });
    bus = started;
    upgradeToMqtt(api.server, {
      admit: (socket) =>
        identify(socket).catch((err: unknown) => {
          refusals.noteError(err, socket);
          throw err;
        }),
      accept: started.take,
      log,
    });
    stops.push(() => started.stop());
    const push = (ids: readonly string[]) => pushTo(started, assignments, ids);
    stops.push(
      housekeeping(parts, connections, (ticketKeys) => {
        started.useTicketKeys(ticketKeys);
        (api.server as unknown as HttpsServer).setTicketKeys(ticketKeys);
      }),
    );
    stops.push(await endWiped(stores, log));
    stops.push(await tellWiped({ events: stores.events, bus: started, clock, log }));
    stops.push(await cutRevoked(stores.events, connections, log));
    stops.push(await pushChanges(stores.events, () => push(started.connected()), log));
    const host = config.publicHost.includes(':') ? `[${config.publicHost}]` : config.publicHost;
    const deviceUrl = `https://${host}:${(api.server.address() as AddressInfo).port}`;
    const mqttUrl = `mqtts://${host}:${started.port}`;
    return {
      deviceUrl,
      mqttUrl,
      enrollmentRoutes: enrollmentRoutes({ ...shared, pki, deviceUrl, mqttUrl }),
      bundles: bundleDesk({ fleet, stores, signer, clock, assignments, repository }),
      pushDesired: push,
      stop,
    };
  } catch (err) {
    await stop();
    throw err;
  }
}

/** Every now and then: ends connections whose certificate has ended, and takes new ticket keys into use. */
function housekeeping(
  { tickets, log, clock = Date.now }: DeviceSideParts,
  connections: DeviceConnections,
  use: (ticketKeys: Buffer) => void,
): () => Promise<void> {
  const work = async (): Promise<void> => {
    await connections.recheckAll();
    if (tickets && (await tickets.rotate(clock()))) use(tickets.current);
  };
  const timer = setInterval(() => {
    work().catch((err: unknown) => log.error({ err, component: 'device-contact' }, 'housekeeping failed'));
  }, HOUSEKEEPING_MS);
  timer.unref();
  return async () => clearInterval(timer);
}

async function pushTo(bus: Bus, assignments: Assignments, ids: readonly string[]): Promise<void> {
  const connected = new Set(bus.connected());
  const concerned = ids.filter((id) => connected.has(id));
  for (const [device, assignment] of await assignments.assignmentsFor(concerned)) {
    await bus.offer(device, assignment);
  }
}
