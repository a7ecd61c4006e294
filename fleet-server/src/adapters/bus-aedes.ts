import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { CodedError } from '@ringfleet/shared/errors';
import { type Command, mayPublish } from '@ringfleet/shared/protocol';
import { Aedes, type Client } from 'aedes';
import type { DeviceAssignment } from '../device-contact/assignments.ts';
import type { Identify } from '../device-contact/identify.ts';
import type { Intake } from '../device-contact/intake.ts';
import { HANDSHAKE_MS, listenOn, MAX_CONNECTIONS, SESSIONS } from '../device-contact/listen.ts';
import type { Refusals } from '../device-contact/refusals.ts';
import type { Clock, Log } from '../ports/log.ts';
import type { Pki } from '../ports/pki.ts';
import type { Stores } from '../ports/stores.ts';
import { MqttConnection, type RivalAnswers } from './mqtt-connection.ts';
import { frameGuard, MAX_FRAME, MAX_FRAME_BEFORE_CONNACK } from './mqtt-frame-guard.ts';

export interface BusParts {
  readonly fleet: string;
  readonly host: string;
  readonly port: number;
  readonly tls: Pki['serverTls'];
  readonly identify: Identify;
  readonly refusals: Refusals;
  readonly intake: Intake;
  readonly ticketKeys?: Buffer;
  readonly stores: Stores;
  /** What a device that has just said hello is to run; null when nothing can be said yet. */
  readonly assignmentFor: (device: string) => Promise<DeviceAssignment | null>;
  readonly reconnectWindowMs: number;
  /** How long a device may take nothing of what is sent to it; twelve seconds unless said. */
  readonly drainMs?: number;
  readonly log: Log;
  readonly clock: Clock;
}

export interface Bus {
  readonly port: number;
  /**
   * Takes MQTT that comes inside another listener's connection, under the same rules as on its own. `stream` carries the
   * MQTT bytes, `socket` the certificate.
   */
  take(socket: TLSSocket, stream: Duplex): void;
  /** From now on, for new session tickets and for taking them back. */
  useTicketKeys(keys: Buffer): void;
  /** Devices that said hello on a connection that is alive. */
  connected(): readonly string[];
  /** Whether another agent process than this one is connected as the device, and alive. */
  readonly rivalAnswers: RivalAnswers;
  /** Sends `dn/desired` when this device is connected and was sent something else last. */
  offer(device: string, assignment: DeviceAssignment): Promise<void>;
  /** Sends `dn/cmd` when this device is connected. */
  command(device: string, command: Command): Promise<void>;
  stop(): Promise<void>;
}

const DRAIN_MS = 12_000;

/** The embedded broker: MQTT 3.1.1 over TLS, client certificates, clean sessions, storing before acknowledging. */
export async function startBus(parts: BusParts): Promise<Bus> {
  const { stores, clock, log, identify, refusals, fleet } = parts;
  const connections = new Map<Client, MqttConnection>();
  const current = new Map<string, MqttConnection>();
  let serial = 0;
  let isStopping = false;

  async function offer(connection: MqttConnection, assignment: DeviceAssignment): Promise<void> {
    if (connection.sentEtag === assignment.etag) return;
    connection.sentEtag = assignment.etag;
    await connection.send('desired', {
      v: 1,
      generation: assignment.generation,
      assignment: JSON.parse(assignment.document) as unknown,
      reconnectWindowMs: parts.reconnectWindowMs,
    });
  }

  async function greet(connection: MqttConnection): Promise<void> {
    if (!connection.isReady || !connection.isSubscribed) return;
    const assignment = await parts.assignmentFor(connection.device);
    if (assignment) await offer(connection, assignment);
  }

  /** A copied disk continues the start counter just as a restart does; of the two only the living one answers. */
  async function rivalAnswers(device: string, instance: string): Promise<boolean> {
    const rival = current.get(device);
    return rival !== undefined && rival.instance !== instance && (await rival.answersToWarning());
  }

  async function takeOver(connection: MqttConnection): Promise<void> {
    const { device } = connection;
    const before = current.get(device);
    current.set(device, connection);
    connection.isReady = true;
    // The same agent, restarted or reconnected; its old connection may linger for minutes.
    if (before && before !== connection) before.client.close();
    await stores.devices.setConnected(device, true, clock());
    // A restored server may answer with a newer generation than it has sent before the hello.
    await greet(connection);
  }

  const broker = await Aedes.createBroker({
    concurrency: 10_000,
    connectTimeout: 5_000,
    drainTimeout: parts.drainMs ?? DRAIN_MS,
    maxTopicLevels: 8,
    keepaliveLimit: 0,
    preConnect(client, packet, callback) {
      const connection = connections.get(client);
      const will = packet.will;
      if (!connection || packet.clientId !== connection.device) {
        callback(new CodedError('CLIENT_ID_MISMATCH'), false);
      } else if (will && !mayPublish(fleet, connection.device, will.topic)) {
        callback(new CodedError('TOPIC_FORBIDDEN', undefined, { at: will.topic.slice(0, 200) }), false);
      } else {
        serial += 1;
        // The broker closes an older client of the same id at once. Which of two lives is decided at the hello, so
        // every connection gets a name of its own.
        packet.clientId = `${connection.device}/${serial}`;
        // Queues of persistent sessions would be unbounded and die with the process; the database is the truth.
        packet.clean = true;
        callback(null, true);
      }
    },
    authorizePublish(client, packet, callback) {
      const connection = client && connections.get(client);
      // The broker's own messages come without a client.
      if (!connection) return callback(null);
      if (packet.qos === 2 || !mayPublish(fleet, connection.device, packet.topic)) {
        return callback(new CodedError('TOPIC_FORBIDDEN', undefined, { at: packet.topic.slice(0, 200) }));
      }
      packet.retain = false;
      connection.published(packet.topic, Buffer.from(packet.payload), callback);
    },
    authorizeSubscribe(client, subscription, callback) {
      const isAllowed = connections.get(client)?.mayHear(subscription.topic) === true;
      callback(null, isAllowed ? subscription : null);
    },
  });
  broker.on('subscribe', (subscriptions, client) => {
    const connection = connections.get(client);
    if (!connection || subscriptions.every((subscription) => (subscription.qos as number) === 128)) return;
    connection.isSubscribed = true;
    greet(connection).catch((err: unknown) => failed(err, connection));
  });
  broker.on('ack', (_, client) => connections.get(client)?.acknowledged());
  broker.on('clientError', (client, err) => refused(err, connections.get(client)));
  broker.on('connectionError', (client, err) => refused(err, connections.get(client)));

  function refused(err: Error, connection: MqttConnection | undefined): void {
    const device = connection?.device;
    connection?.noteRefusal(err);
    const code = err instanceof CodedError ? err.code : undefined;
    if (code) log.warn({ component: 'bus', device, code, err }, 'connection refused');
    else log.debug({ component: 'bus', device, err }, 'connection lost');
  }
  function failed(err: unknown, connection: MqttConnection): void {
    log.error({ err, component: 'bus', device: connection.device }, 'assignment not sent');
  }

  async function closed(client: Client): Promise<void> {
    const connection = connections.get(client);
    connections.delete(client);
    if (!connection || current.get(connection.device) !== connection) return;
    current.delete(connection.device);
    if (!isStopping) await stores.devices.setConnected(connection.device, false, clock());
  }

  async function accept(socket: TLSSocket, stream: Duplex): Promise<void> {
    // Until the broker takes it, nobody else listens.
    socket.on('error', () => undefined);
    stream.on('error', () => undefined);
    const { device } = await identify(socket);
    if (socket.destroyed || isStopping) return;
    const client = broker.handle(stream);
    connections.set(
      client,
      new MqttConnection(
        device,
        client,
        { socket, stream },
        {
          fleet,
          stores,
          log,
          clock,
          refusals,
          intake: parts.intake,
          onReady: takeOver,
          rivalAnswers,
        },
      ),
    );
    // The broker reads in paused mode; `data` fires for each of its reads, just before it parses the bytes.
    const isInBounds = frameGuard(() => (client.connected ? MAX_FRAME : MAX_FRAME_BEFORE_CONNACK));
    stream.on('data', (chunk: Buffer) => {
      if (!isInBounds(chunk)) stream.destroy(new CodedError('FRAME_TOO_LARGE'));
    });
    socket.once('close', () => {
      closed(client).catch((err: unknown) =>
        log.error({ err, component: 'bus', device }, 'disconnect not stored'),
      );
    });
  }

  const server = createServer({
    ...parts.tls,
    ...SESSIONS,
    ...(parts.ticketKeys ? { ticketKeys: parts.ticketKeys } : {}),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: HANDSHAKE_MS,
  });
  server.maxConnections = MAX_CONNECTIONS;
  const sockets = new Set<TLSSocket>();
  server.on('tlsClientError', (err, socket) => {
    refusals.noteHandshake(err, socket);
    log.debug({ err, component: 'bus' }, 'handshake failed');
  });
  function take(socket: TLSSocket, stream: Duplex): void {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    accept(socket, stream).catch((err: unknown) => {
      refusals.noteError(err, socket);
      log.warn({ err, component: 'bus' }, 'connection refused');
      socket.destroy();
    });
  }
  server.on('secureConnection', (socket) => take(socket, socket));
  try {
    await listenOn(server, parts.host, parts.port);
  } catch (err) {
    // The broker's timers would keep the process alive.
    broker.close();
    throw err;
  }

  return {
    port: (server.address() as AddressInfo).port,
    take,
    useTicketKeys: (keys) => server.setTicketKeys(keys),
    connected: () => [...current.keys()],
    rivalAnswers,
    async offer(device, assignment) {
      const connection = current.get(device);
      if (connection?.isSubscribed) await offer(connection, assignment);
    },
    async command(device, command) {
      const connection = current.get(device);
      if (connection?.isSubscribed) await connection.send('cmd', command);
    },
    async stop() {
      isStopping = true;
      await Promise.all([...connections.values()].map((connection) => connection.idle()));
      await new Promise<void>((resolve) => broker.close(resolve));
      await closeServer(server, sockets);
    },
  };
}

async function closeServer(server: Server, sockets: ReadonlySet<TLSSocket>): Promise<void> {
  const isClosed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await isClosed;
}
