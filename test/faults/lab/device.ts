import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { askStatus } from '../../../agent/src/supervisor/control-server.ts';
import { untilTrue } from '../../lab/until.ts';
import { AgentProcess, type Launch } from './agent-process.ts';
import type { Lab } from './bench.ts';
import { openFiles, summary } from './open-files.ts';
import type { Terms } from './publisher.ts';
import type { LabServer } from './server.ts';
import { Watch } from './watch.ts';

const BUNDLE = fileURLToPath(new URL('../../../agent/dist/ringfleet-agent.mjs', import.meta.url));
const REST_MS = 60_000;
const GONE_MS = 10_000;
const RESTING = ['idle', 'empty'];
/** An idle machine that has not begun anything for so long will not. */
const SETTLED_MS = 3_000;
/** Connections that come and go: one to the server, one of the application, one that asks for the status. */
const OPEN_SLACK = 6;

export interface StartOptions extends Partial<Launch> {
  /** More keys of agent.yaml. */
  readonly settings?: Readonly<Record<string, object>>;
  /** The start of the machine that it sees, instead of this machine's. */
  readonly bootId?: string;
}

/** Copies of a device: on 1.0.0, and after it was updated to 1.1.0. */
export type Kept = 'first' | 'updated';

/** One device: its state folder, and the copy of it that cases start from. */
export class Device {
  readonly name: string;
  readonly lab: Lab;
  /** The bundle that it runs. */
  bundle = BUNDLE;
  #generation = 0;
  #agent: AgentProcess | null = null;
  /** What a resting agent holds open; more is a leak. */
  #openAtRest = 0;

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
  keep(as: Kept): void {
    rmSync(this.#kept(as), { recursive: true, force: true });
    copy(this.stateDir, this.#kept(as));
  }

  /** The device as it was kept, and a server that has heard nothing of it. */
  reset(to: Kept = 'first'): void {
    rmSync(this.stateDir, { recursive: true, force: true });
    copy(this.#kept(to), this.stateDir);
    this.lab.server.forget(this.name);
  }

  /** Takes what this resting agent holds open for what it may. */
  measure(agent: AgentProcess): void {
    this.#openAtRest = Math.max(this.#openAtRest, openFiles(agent.agentPid).length);
  }

  /** What a resting agent holds open and should not, in words. */
  leaks(agent: AgentProcess): string[] {
    const open = openFiles(agent.agentPid);
    const gone = open.filter((path) => path.startsWith(this.stateDir) && path.endsWith(' (deleted)'));
    const isTooMany = open.length > this.#openAtRest + OPEN_SLACK;
    const many = `${open.length} descriptors are open, ${this.#openAtRest} before: ${summary(open)}`;
    return [...gone, ...(isTooMany ? [many] : [])];
  }

  start({ settings = {}, bootId, through = [], ...launch }: StartOptions = {}): AgentProcess {
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
    const { bundle, stateDir } = this;
    const front = [...(bootId === undefined ? [] : this.#withBootId(bootId)), ...through];
    this.#agent = this.lab.guard(new AgentProcess({ bundle, stateDir, config, through: front, ...launch }));
    return this.#agent;
  }

  /** Ends what a case that was given up has left running or mounted. */
  async abandon(): Promise<void> {
    this.#agent?.killAll();
    await this.#agent?.untilGone(GONE_MS);
    spawnSync('umount', ['-q', this.stateDir]);
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
        RESTING.includes(model?.phase ?? '') &&
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

  /** Whether the machine rests on this release, '' for none, and all it had to say is stored. */
  async isAtRest(wanted: string): Promise<boolean> {
    const status = await this.status();
    const [model] = status?.models ?? [];
    const isThere = wanted === '' ? model?.phase === 'empty' : model?.committed?.version === wanted;
    return isThere && RESTING.includes(model?.phase ?? '') && status?.outbox.rows === 0;
  }

  /** Another file over the kernel's, for this process alone. */
  #withBootId(bootId: string): string[] {
    const file = join(this.lab.dir, `${this.name}.boot`);
    writeFileSync(file, `${bootId}\n`);
    const line = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"';
    return ['unshare', '-m', '--propagation', 'slave', 'sh', '-c', line, file];
  }

  #kept(as: Kept): string {
    return join(this.lab.dir, `${this.name}.${as}`);
  }
}

export interface DeviceStatus {
  readonly isConnected: boolean;
  readonly generation: number;
  readonly outbox: { readonly rows: number };
  readonly hold: { readonly reason: string } | null;
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
