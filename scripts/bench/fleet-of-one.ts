import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { FleetApi, until } from '../demo/fleet-api.ts';
import { PROGRAMS, runToEnd } from '../demo/processes.ts';
import { MODEL, sourceOf } from '../demo/sources.ts';
import type { BenchContext } from './context.ts';
import { type Program, startProgram } from './programs.ts';

const DEVICE = 'bench-1';
const RING = 'bench';
/** What the systemd unit sets. */
const UNIT_ENV = { MALLOC_ARENA_MAX: '1', NODE_OPTIONS: '--v8-pool-size=1', NODE_ENV: 'production' };
const COMMIT_MS = 60_000;

export interface FleetOfOneOptions {
  /** The agent's state folder, default below the benchmark's. Socket paths below it must stay short. */
  readonly stateDir?: string;
  /** Instead of the default of five minutes. */
  readonly heartbeatMs?: number;
  /** Where a version is made from below a folder, default the demo's. */
  readonly sourceOf?: (version: string, dir: string) => string;
  /** More for the agent's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The service as a device runs it: a server, signed releases, and one enrolled agent with its default settings. */
export class FleetOfOne {
  readonly agent: Program;
  readonly socket: string;
  readonly #dir: string;
  readonly #plain: string;
  readonly #stateDir: string;

  private constructor(dir: string, plain: string, stateDir: string, agent: Program) {
    this.#stateDir = stateDir;
    this.#dir = dir;
    this.#plain = plain;
    this.agent = agent;
    this.socket = String((JSON.parse(agent.ready) as { socket: string }).socket);
  }

  /** Starts all of it and publishes the releases; none of them is assigned yet. */
  static async start(
    context: BenchContext,
    versions: readonly string[],
    options: FleetOfOneOptions = {},
  ): Promise<FleetOfOne> {
    const { dir } = context;
    const host = '127.0.0.1';
    const config = join(dir, 'server.yaml');
    const anyPort = () => ({ host, port: 0 });
    const people = { ...anyPort(), plainPort: 0 };
    writeFileSync(
      config,
      stringify({ fleet: 'bench', publicHost: host, people, device: anyPort(), mqtt: anyPort() }),
    );
    const [nice = '', ...args] = niced(
      PROGRAMS.server,
      '--config',
      config,
      '--data-dir',
      join(dir, 'server'),
    );
    const server = await startProgram(args, { command: nice, readyWith: '"server ready"' });
    context.atEnd(() => server.stop());
    const plain = String((JSON.parse(server.ready) as { plain: string }).plain);
    const stateDir = options.stateDir ?? join(dir, 'agent');
    const tokenFile = await publishAll(dir, plain, versions, options.sourceOf ?? demoSource);
    await runToEnd(
      PROGRAMS.agent,
      ['enroll', '--token-file', tokenFile, '--id', DEVICE, '--state-dir', stateDir],
      {},
    );
    const agentConfig = join(dir, 'agent.yaml');
    writeFileSync(
      agentConfig,
      stringify({
        http: { port: 0 },
        grpc: { port: 0 },
        metrics: { port: 0 },
        socket: { path: join(dir, 'v2.sock') },
        ...(options.heartbeatMs === undefined ? {} : { report: { periodMs: options.heartbeatMs } }),
      }),
    );
    const agent = await startProgram(
      [PROGRAMS.agent, 'run', '--state-dir', stateDir, '--config', agentConfig],
      { readyWith: '"agent ready"', env: { ...UNIT_ENV, ...options.env } },
    );
    context.atEnd(() => agent.stop());
    return new FleetOfOne(dir, plain, stateDir, agent);
  }

  async metricsUrl(): Promise<string> {
    const printed = await runToEnd(PROGRAMS.agent, ['status', '--json', '--state-dir', this.#stateDir], {});
    return (JSON.parse(printed) as { metrics: string }).metrics;
  }

  /** Makes the device run a version, and waits until it has committed it. */
  async assign(version: string): Promise<void> {
    const soak = ['--soak', '1s', '--min-inferences', '0', '--soak-deadline', '1h'];
    await cli(this.#dir, this.#plain, 'ring', 'assign', RING, `${MODEL}@${version}`, ...soak);
    const api = new FleetApi(this.#plain, tokenOf(this.#dir));
    await until(`the device commits ${version}`, COMMIT_MS, async () => {
      const [device] = await api.devices();
      const model = device?.models.find((one) => one.model === MODEL);
      if (model?.failure) throw new Error(`${version}: ${model.failure.code}: ${model.failure.reason}`);
      return model?.isCommitted && model.running?.version === version ? true : null;
    });
  }
}

/** Keys, metadata, a ring and the releases; returns the file with the device's token. */
async function publishAll(
  dir: string,
  plain: string,
  versions: readonly string[],
  source: (version: string, dir: string) => string,
): Promise<string> {
  const trust = join(dir, 'trust');
  const out = join(dir, 'dist');
  mkdirSync(out, { recursive: true });
  const run = (...args: readonly string[]): Promise<string> => cli(dir, plain, ...args);
  const onlineKey = join(dir, 'server', 'keys', 'online.pub.json');
  await run('trust', 'init', '--dir', trust, '--model', MODEL, '--online-key', onlineKey);
  await run('trust', 'publish', '--dir', trust);
  await run('ring', 'set', RING, '--order', '1', '--selector', `stage=${RING}`);
  for (const version of versions) {
    const built = join(out, `${MODEL}-${version}`);
    await run('release', 'build', source(version, dir), '--out', out);
    await run('release', 'sign', built, '--trust', trust);
    await run('release', 'publish', built, '--trust', trust);
  }
  const printed = await run('token', 'create', RING, '--label', `stage=${RING}`, '--json');
  const file = join(dir, 'token');
  writeFileSync(file, String((JSON.parse(printed) as { token: string }).token), { mode: 0o600 });
  return file;
}

/** 1.2.0 is 1.1.0 built again: a release that changes nothing but itself. */
const demoSource = (version: string, dir: string): string => sourceOf(version, { kind: 'rebuilt' }, dir);

const tokenOf = (dir: string): string => join(dir, 'server', 'keys', 'admin.token');

/** Server and command line would run on another machine: here they get what the device leaves over. */
const niced = (program: string, ...args: readonly string[]): string[] => [
  'nice',
  '-n',
  '10',
  process.execPath,
  program,
  ...args,
];

async function cli(dir: string, plain: string, ...args: readonly string[]): Promise<string> {
  const env = {
    ...process.env,
    RINGFLEET_URL: plain,
    RINGFLEET_TOKEN: readFileSync(tokenOf(dir), 'utf8').trim(),
    RINGFLEET_KEY_PASSPHRASE: 'for this benchmark only: this key signs nothing of value',
    NO_COLOR: '1',
  };
  const [nice = '', ...rest] = niced(PROGRAMS.cli, ...args);
  return (await promisify(execFile)(nice, rest, { env })).stdout;
}
