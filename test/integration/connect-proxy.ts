import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { TestCertificate } from '../../agent/src/adapters/test-ca.fixture.ts';

/** What it does to those who ask to be let through. */
export type Manner =
  | { readonly kind: 'through' }
  /** A network that wants a sign-in: the tunnel is granted, and a page comes out of it. */
  | { readonly kind: 'page' }
  | { readonly kind: 'status'; readonly status: number }
  /** Opens TLS with this certificate in place of the server's. */
  | { readonly kind: 'intercept'; readonly certificate: TestCertificate };

const PAGE = '<html><body>Welcome! Please sign in.</body></html>';

/** A small HTTP proxy that knows CONNECT only; every name leads to this machine, so that nothing else gets there. */
export class ConnectProxy {
  /** Ports that were asked for. */
  readonly asked: number[] = [];
  readonly blocked = new Set<number>();
  /** `user:password`, if it wants one. */
  credentials: string | null = null;
  #manner: Manner = { kind: 'through' };
  readonly #sockets = new Set<Duplex>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((_, response) => response.writeHead(405).end());
    this.#server.on('connect', (request, socket, head) => this.#connect(request, socket, head));
    this.#server.on('connection', (socket: Socket) => this.#keep(socket));
  }

  static async start(): Promise<ConnectProxy> {
    const proxy = new ConnectProxy();
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on, also for those who are through already. */
  behave(manner: Manner): void {
    this.#manner = manner;
    this.cut();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connect({ url = '', headers }: IncomingMessage, socket: Duplex, head: Buffer): void {
    const port = Number(url.split(':').at(-1));
    this.asked.push(port);
    const answer = (status: string, more = ''): boolean => socket.write(`HTTP/1.1 ${status}\r\n${more}\r\n`);
    const wanted = this.credentials && `Basic ${Buffer.from(this.credentials).toString('base64')}`;
    const manner = this.#manner;
    if (wanted && headers['proxy-authorization'] !== wanted) answer('407 Proxy Authentication Required');
    else if (this.blocked.has(port)) answer('403 Forbidden');
    else if (manner.kind === 'status')
      answer(`${manner.status} As Told`, 'location: http://portal.test/\r\n');
    else {
      answer('200 Connection established');
      if (manner.kind === 'page') {
        socket.end(
          `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: ${PAGE.length}\r\n\r\n${PAGE}`,
        );
      } else if (manner.kind === 'intercept') intercept(socket as Socket, manner.certificate);
      else this.#join(socket, port, head);
      return;
    }
    socket.end();
  }

  #join(near: Duplex, port: number, head: Buffer): void {
    const far = connect(port, '127.0.0.1');
    this.#keep(far);
    far.write(head);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.once('close', () => other.destroy());
      one.pipe(other);
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function intercept(socket: Socket, { certificate, key }: TestCertificate): void {
  const secureContext = createSecureContext({ cert: certificate, key });
  const opened = new TLSSocket(socket, { isServer: true, secureContext });
  opened.on('error', () => socket.destroy());
  opened.on('data', () => opened.end(`HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n${PAGE}`));
}
