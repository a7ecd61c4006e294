import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePorts, LiveProcess, type Outcome, runToEnd } from './live-process.ts';

const PASSPHRASE = 'only for this test';
const SOAK = ['--soak', '500ms', '--min-inferences', '1', '--soak-deadline', '1h'];

/** A server and agents as real processes in a folder of their own, and the CLI pointed at them. */
export class LiveFleet {
  readonly dir: string;
  readonly #agents: LiveAgent[] = [];
  #server: LiveProcess | null = null;
  #ports: readonly number[] = [];
  readonly #settings: object;

  private constructor(dir: string, settings: object) {
    this.dir = dir;
    this.#settings = settings;
  }

  /** `settings`: more keys of server.yaml. */
  static async start(settings: object = {}): Promise<LiveFleet> {
    // Short: a Unix socket's path may have 107 bytes.
    const fleet = new LiveFleet(await mkdtemp(join(tmpdir(), 'rfl-')), settings);
    // Fixed, so that the server can come back where it was.
    fleet.#ports = await freePorts(4);
    await fleet.startServer();
    return fleet;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.#ports[1]}`;
  }

  /** Where the server listens, by configuration key. */
  get ports(): Readonly<Record<'people' | 'plain' | 'device' | 'mqtt', number>> {
    const [people = 0, plain = 0, device = 0, mqtt = 0] = this.#ports;
    return { people, plain, device, mqtt };
  }

  get serverDir(): string {
    return join(this.dir, 'server');
  }

  /** Does nothing when it runs already. */
  async startServer(): Promise<void> {
    if (this.#server) return;
    this.#server = new LiveProcess('server', ['--config', this.serverConfig(), '--data-dir', this.serverDir]);
    await this.#server.line('server ready');
  }

  async killServer(): Promise<void> {
    await this.#server?.kill();
    this.#server = null;
  }

  async stopServer(): Promise<void> {
    await this.#server?.stop();
    this.#server = null;
  }

  /** server.yaml with these ports in place of its own. */
  serverConfig(ports: Partial<LiveFleet['ports']> = {}): string {
    const { people, plain, device, mqtt } = { ...this.ports, ...ports };
    const host = '127.0.0.1';
    return this.#write(`server-${Object.keys(ports).join('-') || 'own'}.yaml`, {
      fleet: 'lab',
      publicHost: host,
      people: { host, port: people, plainPort: plain },
      device: { host, port: device },
      mqtt: { host, port: mqtt },
      tickMs: 200,
      reconnectWindowMs: 500,
      ...this.#settings,
    });
  }

  cli(...args: readonly string[]): Promise<Outcome> {
    return runToEnd('cli', args, {
      RINGFLEET_URL: this.apiUrl,
      RINGFLEET_TOKEN_FILE: join(this.serverDir, 'keys', 'admin.token'),
      RINGFLEET_KEY_PASSPHRASE: PASSPHRASE,
      NO_COLOR: '1',
    });
  }

  /** The same, for verbs that must work. */
  async must(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.cli(...args);
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${err}`);
    return out;
  }

  assign(ring: string, release: string): Promise<string> {
    return this.must('ring', 'assign', ring, release, ...SOAK);
  }

  async token(stage: string, uses = 1): Promise<string> {
    const printed = await this.must(
      ...['token', 'create', stage, '--label', `stage=${stage}`, '--uses', String(uses), '--json'],
    );
    const file = join(this.dir, `${stage}.token`);
    writeFileSync(file, String((JSON.parse(printed) as { token: string }).token), { mode: 0o600 });
    return file;
  }

  /** Enrolls `id` into the ring of that stage and starts it. */
  async agent(id: string, stage: string): Promise<LiveAgent> {
    return this.startAgent(id, await this.enroll(id, stage));
  }

  /** Answers the state folder; `env` is added to the agent's environment. */
  async enroll(
    id: string,
    stage: string,
    env: Readonly<Record<string, string>> = {},
    token?: string,
  ): Promise<string> {
    const stateDir = join(this.dir, id);
    const tokenFile = token ?? (await this.token(stage));
    const args = ['enroll', '--token-file', tokenFile, '--id', id, '--state-dir', stateDir];
    const { code, err } = await runToEnd('agent', args, env);
    if (code !== 0) throw new Error(`${id} was not enrolled: ${err}`);
    return stateDir;
  }

  /** `server`: keys of that section of agent.yaml. */
  async startAgent(id: string, stateDir: string, server: object = {}): Promise<LiveAgent> {
    const agent = new LiveAgent(id, stateDir, this.agentConfig(id, { port: 0 }, server));
    this.#agents.push(agent);
    await agent.start();
    return agent;
  }

  agentConfig(id: string, http: object = { port: 0 }, server: object = {}): string {
    return this.#write(`${id}.yaml`, {
      http,
      grpc: { port: 0 },
      metrics: { port: 0 },
      report: { periodMs: 1_000 },
      poll: { periodMs: 5_000, offlineMs: 1_000 },
      server: { maxReconnectMs: 1_000, ...server },
      disk: { reserveBytes: 1_000_000 },
    });
  }

  async api<T>(path: string, init: RequestInit = {}): Promise<{ status: number; body: T }> {
    const { readFile } = await import('node:fs/promises');
    const token = (await readFile(join(this.serverDir, 'keys', 'admin.token'), 'utf8')).trim();
    const headers = { authorization: `Bearer ${token}`, ...init.headers };
    const response = await fetch(`${this.apiUrl}/api/v1/${path}`, { ...init, headers });
    return { status: response.status, body: (await response.json()) as T };
  }

  async device(id: string): Promise<DeviceView> {
    return (await this.api<DeviceView>(`devices/${id}`)).body;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    await this.stopServer();
    await rm(this.dir, { recursive: true, force: true });
  }

  #write(name: string, content: object): string {
    const path = join(this.dir, name);
    mkdirSync(this.dir, { recursive: true });
    writeFileSync(path, stringify(content));
    return path;
  }
}

export interface DeviceView {
  readonly status: string;
  readonly isConnected: boolean;
  readonly models: readonly {
    readonly phase: string;
    readonly running: { readonly version: string } | null;
    readonly isCommitted: boolean;
    readonly failure: { readonly code: string; readonly reason: string } | null;
  }[];
}

/** One agent process. */
export class LiveAgent {
  readonly id: string;
  readonly stateDir: string;
  readonly #config: string;
  #process: LiveProcess | null = null;
  http = '';

  constructor(id: string, stateDir: string, config: string) {
    this.id = id;
    this.stateDir = stateDir;
    this.#config = config;
  }

  async start(): Promise<void> {
    const args = ['run', '--state-dir', this.stateDir, '--config', this.#config];
    this.#process = new LiveProcess('agent', args);
    this.http = String((await this.#process.line('agent ready'))['http']);
  }

  get log(): readonly Record<string, unknown>[] {
    return this.#process?.lines ?? [];
  }

  async status(): Promise<AgentStatus> {
    const { code, out, err } = await runToEnd(
      'agent',
      ['status', '--json', '--state-dir', this.stateDir],
      {},
    );
    if (code !== 0) throw new Error(err);
    return JSON.parse(out) as AgentStatus;
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }
}

export interface AgentStatus {
  readonly isConnected: boolean;
  readonly via: string | null;
  readonly network: { readonly code: string; readonly message: string } | null;
  readonly generation: number;
  readonly outbox: { readonly rows: number };
}
