import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import {
  type AddressInfo,
  createServer as createServerOnSocket,
  type Socket,
  type Server as SocketServer,
} from 'node:net';
import { text } from 'node:stream/consumers';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { inflateRawSync } from 'node:zlib';
import {
  buildTopic,
  decodePayload,
  type Envelope,
  type Hello,
  parseTopic,
  type ReportsRequest,
} from '@ringfleet/shared/protocol';
import { Aedes } from 'aedes';
import type { TestCa } from '../../../agent/src/adapters/test-ca.fixture.ts';
import { FLEET, type Publisher } from './publisher.ts';
import { ReportStore } from './report-store.ts';

const PREFIX = '/device/v1/';

interface DeviceDesk {
  assignment: string;
  generation: number;
  store: ReportStore;
}

/**
 * The devices' half of a fleet server for many devices at once: documents signed by the project's code over mutual TLS,
 * and an MQTT broker that stores before it acknowledges.
 */
export class LabServer {
  readonly #publisher: Publisher;
  readonly #devices = new Map<string, DeviceDesk>();
  readonly #sockets = new Set<Socket>();
  readonly #doors: SocketServer[] = [];
  #broker!: Aedes;
  #http!: Server;
  #mqtt!: TlsServer;

  private constructor(publisher: Publisher) {
    this.#publisher = publisher;
  }

  static async start(
    ca: TestCa,
    publisher: Publisher,
    addresses: readonly string[] = [],
  ): Promise<LabServer> {
    const server = new LabServer(publisher);
    const own = await ca.issue('127.0.0.1', ['127.0.0.1', ...addresses]);
    const tls = {
      key: own.key,
      cert: own.certificate,
      ca: ca.pem,
      requestCert: true,
      rejectUnauthorized: true,
    };
    server.#http = createServer(tls, (request, response) => {
      server.#answer(request, response).catch(() => response.destroy());
    });
    server.#broker = await Aedes.createBroker({
      authorizePublish: (client, packet, callback) => {
        if (client) server.#published(packet.topic, Buffer.from(packet.payload));
        callback(null);
      },
    });
    server.#mqtt = createTlsServer(tls, (socket) => server.#broker.handle(socket));
    for (const one of [server.#http, server.#mqtt]) {
      one.on('connection', (socket: Socket) => {
        server.#sockets.add(socket);
        socket.once('close', () => server.#sockets.delete(socket));
      });
      // A device that is killed in the middle of a handshake.
      one.on('tlsClientError', () => undefined);
      one.on('clientError', (_err: Error, socket: TLSSocket) => socket.destroy());
      await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
    }
    server.#broker.on('clientError', () => undefined);
    server.#broker.on('connectionError', () => undefined);
    return server;
  }

  get apiUrl(): string {
    return `https://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  get mqttUrl(): string {
    return `mqtts://127.0.0.1:${(this.#mqtt.address() as AddressInfo).port}`;
  }

  /** Takes connections at a Unix socket as well, as if they had come over the network. */
  async listenAt(what: 'api' | 'mqtt', path: string): Promise<void> {
    const target = what === 'api' ? this.#http : this.#mqtt;
    const door = createServerOnSocket((socket) => target.emit('connection', socket));
    this.#doors.push(door);
    await new Promise<void>((resolve) => door.listen(path, resolve));
  }

  /** What a device is to run from now on; it is told when it asks next, or when it connects. */
  offer(device: string, generation: number, assignment: string): void {
    const desk = this.#desk(device);
    Object.assign(desk, { generation, assignment });
    this.#tell(device);
  }

  /** Forgets what a device has reported. */
  forget(device: string): void {
    this.#devices.delete(device);
  }

  reports(device: string): ReportStore {
    return this.#desk(device).store;
  }

  /** Ends every connection of all devices, as a server does that is killed. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.dropConnections();
    await new Promise<void>((resolve) => this.#broker.close(() => resolve()));
    for (const one of [...this.#doors, this.#http, this.#mqtt])
      await new Promise((resolve) => one.close(resolve));
  }

  #desk(device: string): DeviceDesk {
    const desk = this.#devices.get(device) ?? { assignment: '', generation: 0, store: new ReportStore() };
    this.#devices.set(device, desk);
    return desk;
  }

  #tell(device: string): void {
    const { generation, assignment } = this.#desk(device);
    this.#send(device, 'desired', { v: 1, generation, assignment });
  }

  #send(device: string, kind: 'desired' | 'ack', message: object): void {
    const topic = buildTopic({ fleet: FLEET, device, direction: 'dn', kind });
    const payload = Buffer.from(JSON.stringify(message));
    this.#broker.publish(
      { cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false },
      () => undefined,
    );
  }

  #published(topic: string, payload: Buffer): void {
    const { device, kind } = parseTopic(topic);
    if (kind === 'status') return;
    const inflate = (bytes: Uint8Array, maxOutputLength: number) =>
      inflateRawSync(bytes, { maxOutputLength });
    const message = decodePayload(payload, inflate);
    if (kind === 'hello') {
      this.reports(device).hello((message as Hello).start);
      this.#tell(device);
      return;
    }
    for (const ack of this.reports(device).take([message as Envelope])) {
      this.#send(device, 'ack', ack);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const device = (request.socket as TLSSocket).getPeerCertificate().subject.CN as string;
    const url = new URL(request.url ?? '', 'https://lab');
    const path = url.pathname.replace(PREFIX, '');
    if (path === 'assignment') {
      const { assignment, generation } = this.#desk(device);
      const etag = `"${generation}-${assignment.length}"`;
      if (assignment === '') response.writeHead(404).end();
      else if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
      else response.writeHead(200, { etag }).end(assignment);
    } else if (path === 'time') {
      const time = this.#publisher.time(url.searchParams.get('nonce') ?? '');
      response.writeHead(200).end(JSON.stringify({ v: 1, time, roots: [] }));
    } else if (path === 'reports') {
      const { hello, reports } = JSON.parse(await text(request)) as ReportsRequest;
      if (hello) this.reports(device).hello(hello.start);
      response.writeHead(200).end(JSON.stringify({ v: 1, acks: this.reports(device).take(reports) }));
    } else {
      this.#file(path, request, response);
    }
  }

  #file(path: string, request: IncomingMessage, response: ServerResponse): void {
    const name = path.split('/').at(-1) ?? '';
    const { metadata, artifacts } = this.#publisher;
    const found = path.startsWith('metadata/') ? metadata.get(name) : artifacts.get(name);
    if (found === undefined) {
      response.writeHead(404).end();
      return;
    }
    const bytes = Buffer.from(found);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response
      .writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from })
      .end(bytes.subarray(from));
  }
}
