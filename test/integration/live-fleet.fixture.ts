import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../fleet-server/src/cli/main-program.ts';
import { registerOperateCommands } from '../../fleet-server/src/cli/operate-commands.ts';
import { registerReleaseCommands } from '../../fleet-server/src/cli/release-commands.ts';
import { registerTrustCommands } from '../../fleet-server/src/cli/trust-commands.ts';
import { writeSource } from '../../fleet-server/src/release-build/release-fixture.ts';
import { type ServerProcess, startServer } from '../browser/server-process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEVICE = 'edge-1';
const DEADLINE_MS = 40_000;

type Env = Readonly<Record<string, string>>;

interface DeviceView {
  readonly models: readonly {
    readonly running: { readonly version: string } | null;
    readonly isCommitted: boolean;
  }[];
}

/** A real server, one real agent, and the CLI between them: for what only holds when all three agree. */
export class LiveFleet {
  readonly dir: string;
  readonly server: ServerProcess;
  readonly #agentEnv: Env;
  #agent: ChildProcess | null = null;

  private constructor(dir: string, server: ServerProcess, agentEnv: Env) {
    this.dir = dir;
    this.server = server;
    this.#agentEnv = agentEnv;
  }

  /** Server, development root, ring `all`, and an agent that polls every half second, with this in its environment. */
  static async start(agentEnv: Env = {}): Promise<LiveFleet> {
    const dir = await mkdtemp(join(tmpdir(), 'rf-live-'));
    await mkdir(join(dir, 'server'));
    const fleet = new LiveFleet(dir, await startServer(join(dir, 'server')), agentEnv);
    await fleet.cli(
      ...['trust', 'init', '--dir', fleet.trust, '--model', 'tiny'],
      ...['--online-key', join(dir, 'server', 'keys', 'online.pub.json')],
    );
    await fleet.cli('trust', 'publish', '--dir', fleet.trust);
    await fleet.cli('ring', 'set', 'all', '--order', '1', '--selector', 'stage=all');
    await fleet.#enrollAgent();
    return fleet;
  }

  get trust(): string {
    return join(this.dir, 'trust');
  }

  get controlDatabase(): string {
    return join(this.dir, 'server', 'control.db');
  }

  /** Runs a verb; throws with what it said when it fails. */
  async cli(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.tryCli(...args);
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${err}`);
    return out;
  }

  async tryCli(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const streams = {
      out: (text: string) => {
        out += text;
      },
      err: (text: string) => {
        err += text;
      },
    };
    const env = {
      RINGFLEET_URL: this.server.url,
      RINGFLEET_TOKEN: this.server.adminToken,
      RINGFLEET_KEY_PASSPHRASE: 'of the test',
    };
    const families = [registerTrustCommands, registerReleaseCommands, registerOperateCommands];
    const code = await runProgram(families, args, env, streams, new AbortController().signal);
    return { code, out, err };
  }

  async build(version: string): Promise<string> {
    const source = await writeSource(join(this.dir, `source-${version}`), (s) =>
      Object.assign(s, { version }),
    );
    await this.cli('release', 'build', source, '--out', join(this.dir, 'dist'));
    return join(this.dir, 'dist', `tiny-${version}`);
  }

  async publish(version: string, ...signing: readonly string[]): Promise<void> {
    const dist = await this.build(version);
    await this.cli('release', 'sign', dist, '--trust', this.trust, ...signing);
    await this.cli('release', 'publish', dist, '--trust', this.trust);
  }

  /** Assigns without soak: what is of interest here is what may be installed. */
  async assign(version: string): Promise<void> {
    const soak = ['--soak', '50ms', '--min-inferences', '0', '--soak-deadline', '1m'];
    await this.cli('ring', 'assign', 'all', `tiny@${version}`, ...soak, '--yes');
  }

  async running(): Promise<string | null> {
    const device = (await this.server.call('GET', `devices/${DEVICE}`)) as DeviceView;
    const [model] = device.models;
    return model?.isCommitted ? (model.running?.version ?? null) : null;
  }

  untilRunning(version: string): Promise<void> {
    return this.#until(`${version} is committed`, async () => (await this.running()) === version);
  }

  /** Waits for the device to report a refusal with this code, after `count` earlier ones. */
  async untilRefused(code: string): Promise<void> {
    await this.#until(`the device refuses with ${code}`, async () => (await this.refusals()).includes(code));
  }

  async refusals(): Promise<readonly string[]> {
    const page = (await this.server.call('GET', `devices/${DEVICE}/events?limit=100`)) as {
      items: readonly { code: string }[];
    };
    return page.items.map((event) => event.code);
  }

  async end(): Promise<void> {
    await stop(this.#agent);
    await this.server.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  async #enrollAgent(): Promise<void> {
    const { stateDir } = this;
    await mkdir(stateDir, { mode: 0o700 });
    const tokenFile = join(this.dir, 'token');
    const made = await this.cli('token', 'create', 'all', '--label', 'stage=all', '--uses', '1', '--json');
    await writeFile(tokenFile, (JSON.parse(made) as { token: string }).token, { mode: 0o600 });
    const config = join(this.dir, 'agent.yaml');
    await writeFile(
      config,
      `http: { host: 127.0.0.1, port: 0 }
grpc: { port: 0 }
metrics: { port: 0 }
socket: { path: ${join(this.dir, 'v2.sock')} }
report: { periodMs: 1000 }
poll: { periodMs: 500, offlineMs: 500 }
disk: { reserveBytes: 0 }
`,
    );
    const enroll = this.#spawn('enroll', '--token-file', tokenFile, '--id', DEVICE, '--state-dir', stateDir);
    const code = await new Promise((resolve) => enroll.once('close', resolve));
    if (code !== 0) throw new Error(`enrolling ended with ${code}`);
    await this.startAgent();
  }

  async startAgent(): Promise<void> {
    const { stateDir } = this;
    this.#agent = this.#spawn('run', '--state-dir', stateDir, '--config', join(this.dir, 'agent.yaml'));
    await untilReady(this.#agent);
  }

  stopAgent(): Promise<void> {
    return stop(this.#agent);
  }

  /** Resolves with the exit code when the agent has ended by itself. */
  async agentEnded(): Promise<number | null> {
    const child = this.#agent;
    if (!child || child.exitCode !== null) return child?.exitCode ?? null;
    return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  }

  get stateDir(): string {
    return join(this.dir, 'agent');
  }

  #spawn(...args: readonly string[]): ChildProcess {
    return spawn(process.execPath, ['--conditions=source', 'agent/src/main.ts', ...args], {
      cwd: ROOT,
      env: { ...process.env, ...this.#agentEnv },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  async #until(what: string, check: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS;
    while (!(await check())) {
      if (Date.now() > deadline) {
        const [running, refused] = [await this.running(), await this.refusals()];
        throw new Error(`waited in vain: ${what}; runs ${running}, events ${refused.join(', ')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function untilReady(child: ChildProcess): Promise<void> {
  if (!child.stdout) throw new Error('no stdout');
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.includes('"agent ready"')) continue;
    child.stdout.resume();
    return;
  }
  throw new Error('the agent ended before it was ready');
}

async function stop(child: ChildProcess | null): Promise<void> {
  if (!child || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
