import { connect, type Socket } from 'node:net';

/** Where an HTTP server listens. */
export type Address = { readonly path: string } | { readonly port: number };

export interface HttpRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A POST as bytes, made once and sent as often as one likes. */
export function requestBytes({ path, headers, body }: HttpRequest): Buffer {
  const lines = Object.entries({ ...headers, 'content-length': String(body.length) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\nhost: localhost\r\n${head}\r\n`), body]);
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH = /\r\ncontent-length: *(\d+)/i;

/**
 * One kept-alive connection of the load generator: one request at a time, answers with a Content-Length, and no
 * more parsing than that, so that what is measured is the server. Not a client for anything else.
 */
export class LeanConnection {
  readonly #socket: Socket;
  #held: Buffer | undefined;
  #settle: ((status: number, body: Buffer) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => this.#answer(0, Buffer.alloc(0)));
    socket.on('error', () => undefined);
  }

  static open(address: Address): Promise<LeanConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', ...address, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new LeanConnection(socket));
      });
    });
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** `onAnswer` gets the status and the body; status 0 when the connection went before the answer came. */
  send(request: Uint8Array, onAnswer: (status: number, body: Buffer) => void): void {
    this.#settle = onAnswer;
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const bytes = this.#held ? Buffer.concat([this.#held, chunk]) : chunk;
    const end = bytes.indexOf(HEAD_END);
    if (end >= 0) {
      const head = bytes.toString('latin1', 0, end);
      const total = end + 4 + Number(LENGTH.exec(head)?.[1] ?? 0);
      if (bytes.length >= total) {
        this.#held = bytes.length > total ? bytes.subarray(total) : undefined;
        this.#answer(Number(head.slice(9, 12)), bytes.subarray(end + 4, total));
        return;
      }
    }
    this.#held = bytes;
  }

  #answer(status: number, body: Buffer): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(status, body);
  }
}
