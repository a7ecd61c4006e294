import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { encodeInferRequest } from '@ringfleet/shared/v2';
import { tinyInput } from '../../../agent/src/runner/tiny-slot.fixture.ts';

export interface Answer {
  readonly status: number;
  /** `CODE` of `{"error": "CODE: sentence"}`, or ''. */
  readonly code: string;
}

/** Writes raw bytes to a server and reads what it answers until it closes, or has said all of one response. */
export function sendRaw(
  socketPath: string,
  bytes: string | Uint8Array,
  options: { readonly isHalfClosed?: boolean } = {},
): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    let text = '';
    const finish = (): void => {
      socket.destroy();
      resolve(readAnswer(text));
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (isWhole(text)) finish();
    });
    socket.on('end', finish);
    socket.on('error', finish);
    socket.on('close', finish);
    if (options.isHalfClosed) socket.end(bytes);
    else socket.write(bytes);
  });
}

/** One POST with a body, as text. */
export function post(path: string, body: string | Uint8Array, headers: Record<string, string> = {}): Buffer {
  const lines = Object.entries({ host: 'localhost', 'content-length': String(body.length), ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\n`), Buffer.from(body)]);
}

/** Another client of the same server: asks valid questions one after the other and remembers every wrong answer. */
export class Bystander {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #socketPath: string;
  readonly #model: string;
  readonly #done: Promise<void>;
  #isOver = false;
  answers = 0;
  wrong: string[] = [];
  /** The most answers that others had while this client waited for one of its own. */
  overtaken = 0;
  #others = 0;

  constructor(socketPath: string, model = 'tiny') {
    this.#socketPath = socketPath;
    this.#model = model;
    this.#done = this.#askOn();
  }

  /** Somebody else got an answer. */
  otherAnswered(): void {
    this.#others += 1;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#done;
    this.#agent.destroy();
  }

  async #askOn(): Promise<void> {
    while (!this.#isOver) {
      const before = this.#others;
      const status = await this.#ask().catch((err: Error) => err.message);
      this.overtaken = Math.max(this.overtaken, this.#others - before);
      this.answers += 1;
      if (status !== 200) this.wrong.push(String(status));
    }
  }

  #ask(): Promise<number> {
    const wire = encodeInferRequest({ inputs: [tinyInput([[0, 3, 0, 0]])] }, { binary: true });
    return new Promise((resolve, reject) => {
      const req = request(
        {
          socketPath: this.#socketPath,
          agent: this.#agent,
          method: 'POST',
          path: `/v2/models/${this.#model}/infer`,
          headers: { 'inference-header-content-length': String(wire.headerBytes) },
        },
        (res) => {
          res.resume();
          res.on('end', () => resolve(res.statusCode ?? 0));
        },
      );
      req.on('error', reject);
      req.end(wire.body);
    });
  }
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const length = /content-length: (\d+)/i.exec(text)?.[1];
  return end >= 0 && length !== undefined && text.length >= end + 4 + Number(length);
}

function readAnswer(text: string): Answer {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  return { status, code: /"error":"([A-Z0-9_]+):/.exec(text)?.[1] ?? '' };
}
