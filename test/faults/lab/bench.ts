import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { writeIdentity } from '../../../agent/src/adapters/identity.ts';
import { makeTestCa, type TestCa } from '../../../agent/src/adapters/test-ca.fixture.ts';
import { askStatus } from '../../../agent/src/supervisor/control-server.ts';
import { untilTrue } from '../../lab/until.ts';
import { AgentProcess, type Launch } from './agent-process.ts';
import { Application } from './application.ts';
import { FLEET, Publisher, type Terms } from './publisher.ts';
import type { RealServer } from './real-server.ts';
import { buildReleases, type LabRelease } from './releases.ts';
import { LabServer } from './server.ts';
import { Watch } from './watch.ts';

const BUNDLE = fileURLToPath(new URL('../../../agent/dist/ringfleet-agent.mjs', import.meta.url));
const REST_MS = 60_000;
/** An idle machine that has not begun anything for so long will not. */
const SETTLED_MS = 3_000;
const LONG_MS = 10 * 365 * 86_400_000;

/** Releases, a server and devices that run 1.0.0; every case starts from a copy of such a device. */
export class Lab {
  readonly dir: string;
  readonly publisher: Publisher;
  readonly server: LabServer;
  readonly application: Application;
  readonly #ca: TestCa;
  readonly #devices = new Map<string, Promise<Device>>();
  readonly #agents = new Set<AgentProcess>();
  #realServer: Promise<RealServer> | null = null;

  private constructor(
    dir: string,
    ca: TestCa,
    releases: readonly LabRelease[],
    publisher: Publisher,
    server: LabServer,
  ) {
    this.dir = dir;
    this.#ca = ca;
    this.publisher = publisher;
    this.server = server;
    this.application = new Application(releases);
  }

  /** `more`: further releases, made of those that are built. */
  static async open(more: (built: readonly LabRelease[]) => readonly LabRelease[] = () => []): Promise<Lab> {
    // Short: a Unix socket's path may have 107 bytes.
    const dir = mkdtempSync(join(tmpdir(), 'rff-'));
    const nowMs = Date.now();
    const dates = { notBefore: new Date(nowMs - 86_400_000), notAfter: new Date(nowMs + LONG_MS) };
    const [ca, built] = await Promise.all([
      makeTestCa('faults', dates),
      buildReleases(join(dir, 'releases')),
    ]);
    const publisher = new Publisher([...built, ...more(built)], nowMs);
    return new Lab(dir, ca, built, publisher, await LabServer.start(ca, publisher));
  }

  /** A device of that name; made, and brought to 1.0.0, when it is first asked for. */
  device(name: string): Promise<Device> {
    const there = this.#devices.get(name) ?? this.#make(name);
    this.#devices.set(name, there);
    return there;
  }

  /** Ends this agent with the lab, if nobody does before. */
  guard(agent: AgentProcess): AgentProcess {
    this.#agents.add(agent);
    void agent.ended.then(() => this.#agents.delete(agent));
    return agent;
  }

  /** The fleet of those faults that need the server itself; made when it is first asked for. */
  realServer(make: () => Promise<RealServer>): Promise<RealServer> {
    this.#realServer ??= make();
    return this.#realServer;
  }

  async close(): Promise<void> {
    await this.#realServer?.then((server) => server.stop()).catch(() => undefined);
    for (const agent of this.#agents) agent.killAll();
    await this.server.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #make(name: string): Promise<Device> {
    const { key, certificate } = await this.#ca.issue(name);
    const { apiUrl, mqttUrl } = this.server;
    const identity = {
      v: 1 as const,
      fleet: FLEET,
      device: name,
      apiUrl,
      mqttUrl,
      peopleUrl: apiUrl,
      notAfter: Date.now() + LONG_MS,
      keyPem: key,
      certificatePem: certificate,
      caPem: this.#ca.pem,
    };
    const device = new Device(this, name);
    mkdirSync(device.stateDir, { recursive: true });
    await writeIdentity(device.stateDir, identity, this.publisher.root);
    device.offer('1.0.0');
    const agent = device.start();
    const watch = device.watch();
    await device.untilRest(agent, '1.0.0');
    await watch.end();
    await agent.stop();
    device.keep();
    return device;
  }
}

export interface StartOptions extends Partial<Launch> {
  /** More keys of agent.yaml. */
  readonly settings?: Readonly<Record<string, object>>;
}

/** One device: its state folder, and the copy of it that cases start from. */
export class Device {
  readonly name: string;
  readonly lab: Lab;
  #generation = 0;

  constructor(lab: Lab, name: string) {
    this.lab = lab;
    this.name = name;
  }

  get stateDir(): string {
    return join(this.lab.dir, this.name);
  }

  get socket(): string {
    return join(this.lab.dir, `${this.name}.sock`);
  }

  get reports(): ReturnType<LabServer['reports']> {
    return this.lab.server.reports(this.name);
  }

  offer(version: string | null, terms: Terms = {}): void {
    this.#generation += 1;
    const document = this.lab.publisher.assign(this.name, this.#generation, version, terms);
    this.lab.server.offer(this.name, this.#generation, document);
  }

  /** What is on the disk now is what cases start from. */
  keep(): void {
    rmSync(this.#base, { recursive: true, force: true });
    copy(this.stateDir, this.#base);
  }

  /** The device as it was kept, and a server that has heard nothing of it. */
  reset(): void {
    rmSync(this.stateDir, { recursive: true, force: true });
    copy(this.#base, this.stateDir);
    this.lab.server.forget(this.name);
  }

  start({ settings = {}, ...launch }: StartOptions = {}): AgentProcess {
    const { apiUrl, mqttUrl } = this.lab.server;
    const config = join(this.lab.dir, `${this.name}.yaml`);
    const own = {
      http: { port: 0 },
      socket: { path: this.socket },
      grpc: { enabled: false },
      metrics: { enabled: false },
      report: { periodMs: 3_600_000 },
      poll: { periodMs: 60_000, offlineMs: 500 },
      server: { apiUrl, mqttUrl, maxReconnectMs: 500 },
      disk: { reserveBytes: 0 },
    };
    writeFileSync(config, stringify({ ...own, ...settings }));
    return this.lab.guard(new AgentProcess({ bundle: BUNDLE, stateDir: this.stateDir, config, ...launch }));
  }

  /** An application that asks it from now on. */
  watch(): Watch {
    return new Watch(this.lab.application, this.socket);
  }

  /** What the agent says of itself; null while it does not answer. */
  async status(): Promise<DeviceStatus | null> {
    return askStatus(join(this.stateDir, 'run', 'control.sock')).then(
      (status) => status as DeviceStatus,
      () => null,
    );
  }

  /**
   * Waits until the machine rests, its reports are stored, and a release answers: `wanted`, or for long enough another.
   * Returns the version that answers.
   */
  async untilRest(agent: AgentProcess, wanted: string, limitMs = REST_MS): Promise<string> {
    let last: unknown = 'no status';
    let restingSince = Number.POSITIVE_INFINITY;
    let version = '';
    const isAtRest = async (): Promise<boolean> => {
      if (agent.isEnded) throw new Error(`the agent ended: ${agent.errors}`);
      const status = await this.status();
      last = status ?? last;
      const [model] = status?.models ?? [];
      const isResting =
        (model?.phase === 'idle' || model?.phase === 'empty') &&
        status?.generation === this.#generation &&
        status.outbox.rows === 0;
      if (!isResting) restingSince = Number.POSITIVE_INFINITY;
      else restingSince = Math.min(restingSince, performance.now());
      version = model?.committed?.version ?? '';
      return isResting && (version === wanted || performance.now() - restingSince > SETTLED_MS);
    };
    const tail = (): string =>
      agent.lines
        .slice(-12)
        .map((line) => JSON.stringify(line))
        .join('\n');
    await untilTrue(`${this.name} rests`, isAtRest, {
      limitMs,
      detail: () => `${JSON.stringify(last)}\n${tail()}`,
    });
    return version;
  }

  /** Waits until the agent ended, something happened, or the machine rests on `wanted` without it. */
  async untilEndOrRest(
    agent: AgentProcess,
    wanted: string,
    hasHappened: () => boolean,
    limitMs: number,
  ): Promise<void> {
    const isOver = async (): Promise<boolean> => {
      if (agent.isEnded || hasHappened()) return true;
      const status = await this.status();
      const [model] = status?.models ?? [];
      return model?.phase === 'idle' && model.committed?.version === wanted && status?.outbox.rows === 0;
    };
    await untilTrue('the fault happens', isOver, { limitMs });
  }

  get #base(): string {
    return join(this.lab.dir, `${this.name}.base`);
  }
}

export interface DeviceStatus {
  readonly isConnected: boolean;
  readonly generation: number;
  readonly outbox: { readonly rows: number };
  readonly models: readonly {
    readonly phase: string;
    readonly committed: { readonly version: string } | null;
    readonly previous: { readonly version: string } | null;
  }[];
}

/** With hard links and owners as they are. */
function copy(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${from} could not be copied: ${stderr}`);
}
