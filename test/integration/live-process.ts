import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../..', import.meta.url);
const PROGRAMS = {
  server: fileURLToPath(new URL('fleet-server/dist/ringfleet-server.mjs', ROOT)),
  cli: fileURLToPath(new URL('fleet-server/dist/ringfleet.mjs', ROOT)),
  agent: fileURLToPath(new URL('agent/dist/ringfleet-agent.mjs', ROOT)),
};
export type Program = keyof typeof PROGRAMS;
const READY_MS = 30_000;

/** One of the programs, running, with the JSON lines it logged. */
export class LiveProcess {
  readonly lines: Record<string, unknown>[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #errors = '';
  #news = Promise.withResolvers<void>();

  constructor(program: Program, args: readonly string[]) {
    this.#child = spawn(process.execPath, [PROGRAMS[program], ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#ended = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    if (!this.#child.stdout) throw new Error('no stdout');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.lines.push(JSON.parse(line) as Record<string, unknown>);
      this.#news.resolve();
      this.#news = Promise.withResolvers();
    });
  }

  /** The first line with this `msg`, as soon as it is there. */
  async line(msg: string): Promise<Record<string, unknown>> {
    const late = AbortSignal.timeout(READY_MS);
    const isLate = new Promise<'late'>((resolve) => late.addEventListener('abort', () => resolve('late')));
    for (;;) {
      const found = this.lines.find((line) => line['msg'] === msg);
      if (found) return found;
      const what = await Promise.race([this.#news.promise, this.#ended.then(() => 'ended'), isLate]);
      if (what !== undefined) throw new Error(`no "${msg}", ${what}: ${this.#errors}`);
    }
  }

  /** As a power cut ends it. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 8_000);
    await this.#ended;
    clearTimeout(timer);
  }
}

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end. */
export function runToEnd(
  program: Program,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAMS[program], ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: READY_MS,
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

/** Ports that nobody listens at now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => occupy()));
  for (const { server } of servers) await new Promise((resolve) => server.close(resolve));
  return servers.map(({ port }) => port);
}

/** Listens on a free port of loopback. */
export function occupy(): Promise<{ readonly port: number; readonly server: Server }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ port: typeof address === 'object' && address ? address.port : 0, server });
    });
  });
}
