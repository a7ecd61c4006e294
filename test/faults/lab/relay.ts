import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type Weather = 'fine' | 'cut' | 'silent' | 'slow' | 'breaking';

const SLOW = { bytes: 512, pauseMs: 40 };
/** Of a thousand pieces, so many end their connection. */
const BREAKS = 250;

/** The line between one device and the server, which can be cut, fall silent, be slow, or break off now and then. */
export class Relay {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #weather: Weather = 'fine';
  #changed = Promise.withResolvers<void>();
  /** How often the weather did something to a connection or to bytes on it. */
  harmed = 0;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async to(target: string): Promise<Relay> {
    const relay = new Relay(target);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${this.#target.protocol}//127.0.0.1:${port}`;
  }

  turn(weather: Weather): void {
    this.#weather = weather;
    if (weather === 'cut') this.#drop();
    // What was held back in silence is lost; its connections are half-open.
    if (weather === 'fine') this.#drop(false);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async close(): Promise<void> {
    this.turn('cut');
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #drop(isHarm = true): void {
    for (const socket of this.#sockets) {
      if (isHarm) this.harmed += 1;
      socket.destroy();
    }
  }

  #accept(device: Socket): void {
    if (this.#weather === 'cut') {
      this.harmed += 1;
      device.destroy();
      return;
    }
    const server = connect(Number(this.#target.port), this.#target.hostname);
    for (const [from, to] of [
      [device, server],
      [server, device],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => undefined);
      from.once('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      void this.#pass(from, to);
    }
  }

  async #pass(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        while (this.#weather === 'silent') {
          this.harmed += 1;
          await this.#changed.promise;
        }
        if (this.#weather === 'breaking' && Math.random() * 1000 < BREAKS) {
          this.harmed += 1;
          to.destroy();
          return;
        }
        await this.#write(chunk, to);
      }
    } catch {
      // The connection ended; both ends see it.
    }
    to.end();
  }

  async #write(chunk: Buffer, to: Socket): Promise<void> {
    let rest = chunk;
    while (this.#weather === 'slow' && rest.length > SLOW.bytes) {
      this.harmed += 1;
      to.write(rest.subarray(0, SLOW.bytes));
      rest = rest.subarray(SLOW.bytes);
      await sleep(SLOW.pauseMs);
    }
    to.write(rest);
  }
}
