import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stringify } from 'yaml';
import { FleetApi } from './fleet-api.ts';
import { PROGRAMS, type Processes, runToEnd } from './processes.ts';
import { type Relay, startRelay } from './relay.ts';

/** One demo device: which ring it is meant for, and where it answers. */
export interface DemoDevice {
  readonly id: string;
  readonly ring: string;
  readonly stateDir: string;
  readonly http: string;
  readonly socket: string;
}

export const CUT_OFF = 'meter-04';
const DEVICES = [
  { id: 'meter-01', ring: 'canary' },
  { id: 'meter-02', ring: 'fleet' },
  { id: 'meter-03', ring: 'fleet' },
  { id: CUT_OFF, ring: 'fleet' },
] as const;
const HEARTBEAT_MS = 2_000;

/** A server and four agents on this machine, and the CLI pointed at them. */
export class DemoFleet {
  readonly dir: string;
  readonly #processes: Processes;
  #server: ServerReady | null = null;
  #relays: readonly Relay[] = [];
  devices: readonly DemoDevice[] = [];

  constructor(dir: string, processes: Processes) {
    this.dir = dir;
    this.#processes = processes;
  }

  get server(): ServerReady {
    if (!this.#server) throw new Error('the server is not up');
    return this.#server;
  }

  get api(): FleetApi {
    return new FleetApi(this.server.plain, this.tokenFile);
  }

  get tokenFile(): string {
    return join(this.dir, 'server', 'keys', 'admin.token');
  }

  async startServer(): Promise<ServerReady> {
    const config = join(this.dir, 'server.yaml');
    writeFileSync(
      config,
      stringify({
        fleet: 'demo',
        publicHost: '127.0.0.1',
        people: { host: '127.0.0.1', port: 0, plainPort: 0 },
        device: { host: '127.0.0.1', port: 0 },
        mqtt: { host: '127.0.0.1', port: 0 },
        tickMs: 500,
        reconnectWindowMs: 1_000,
      }),
    );
    this.#server = (await this.#processes.start(
      'server',
      PROGRAMS.server,
      ['--config', config, '--data-dir', join(this.dir, 'server')],
      { readyMessage: 'server ready' },
    )) as unknown as ServerReady;
    return this.#server;
  }

  /** Runs a CLI verb and returns what it printed. */
  cli(...args: readonly string[]): Promise<string> {
    return runToEnd(PROGRAMS.cli, args, {
      RINGFLEET_URL: this.#server?.plain ?? 'http://127.0.0.1:1',
      RINGFLEET_TOKEN_FILE: this.tokenFile,
      RINGFLEET_KEY_PASSPHRASE: 'demo only: this key signs nothing of value',
      NO_COLOR: '1',
    });
  }

  /** Enrolls and starts all agents. The last one's link to the server goes over a wire that can be cut. */
  async startAgents(): Promise<void> {
    const tokens = new Map<string, string>();
    for (const ring of new Set(DEVICES.map((device) => device.ring))) {
      const count = DEVICES.filter((device) => device.ring === ring).length;
      const file = join(this.dir, `${ring}.token`);
      const printed = await this.cli(
        'token',
        'create',
        ring,
        '--label',
        `stage=${ring}`,
        '--uses',
        String(count),
        '--json',
      );
      writeFileSync(file, String((JSON.parse(printed) as { token: string }).token), { mode: 0o600 });
      tokens.set(ring, file);
    }
    this.#relays = await Promise.all([portOf(this.server.device), portOf(this.server.mqtt)].map(startRelay));
    this.devices = await Promise.all(
      DEVICES.map(({ id, ring }) => this.#startAgent(id, ring, tokens.get(ring) ?? '')),
    );
  }

  async #startAgent(id: string, ring: string, tokenFile: string): Promise<DemoDevice> {
    const stateDir = join(this.dir, 'agents', id);
    // Socket paths are limited to 107 bytes: the working directory keeps them short.
    const socket = relative(process.cwd(), join(stateDir, 'v2.sock'));
    const config = join(this.dir, 'agents', `${id}.yaml`);
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const [device, mqtt] = this.#relays;
    writeFileSync(
      config,
      stringify({
        http: { host: '127.0.0.1', port: 0 },
        grpc: { port: 0 },
        metrics: { port: 0 },
        socket: { path: socket },
        report: { periodMs: HEARTBEAT_MS },
        ...(id === CUT_OFF && device && mqtt
          ? {
              server: {
                apiUrl: `https://127.0.0.1:${device.port}`,
                mqttUrl: `mqtts://127.0.0.1:${mqtt.port}`,
              },
            }
          : {}),
      }),
    );
    await runToEnd(
      PROGRAMS.agent,
      ['enroll', '--token-file', tokenFile, '--id', id, '--state-dir', stateDir],
      {},
    );
    const ready = await this.#processes.start(
      id,
      PROGRAMS.agent,
      ['run', '--state-dir', stateDir, '--config', config],
      { readyMessage: 'agent ready' },
    );
    return { id, ring, stateDir, http: String(ready['http']), socket };
  }

  cutLink(): void {
    for (const relay of this.#relays) relay.cut();
  }

  mendLink(): void {
    for (const relay of this.#relays) relay.mend();
  }

  close(): void {
    for (const relay of this.#relays) relay.close();
  }
}

export interface ServerReady {
  readonly plain: string;
  readonly people: string;
  readonly device: string;
  readonly mqtt: string;
  readonly signIn: string;
}

const portOf = (url: string): number => Number(new URL(url).port);
