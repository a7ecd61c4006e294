import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP line in front of a server that can be cut and mended under its own address. */
export class CuttableLine {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  private constructor(target: URL) {
    this.#target = target;
  }

  static async to(url: string): Promise<CuttableLine> {
    const line = new CuttableLine(new URL(url));
    await line.mend();
    return line;
  }

  get url(): string {
    return `http://${this.#target.hostname}:${this.#port}`;
  }

  /** Ends what is open and refuses what comes. */
  cut(): void {
    this.#server?.close();
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
  }

  async mend(): Promise<void> {
    const server = createServer((near) => {
      const far = connect(Number(this.#target.port), this.#target.hostname);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => other.destroy());
        one.once('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    this.#server = server;
    server.listen(this.#port, this.#target.hostname);
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }
}
