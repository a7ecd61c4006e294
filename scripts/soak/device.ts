import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stringify } from 'yaml';
import { FleetApi, until } from '../demo/fleet-api.ts';
import { PROGRAMS, type Processes, runToEnd } from '../demo/processes.ts';
import { MODEL, sourceOf } from '../demo/sources.ts';
import { withHeapProbe } from './heap-file.ts';

const RING = 'soak';
const COMMIT_MS = 120_000;
export const TOPIC = { in: 'soak/in', out: 'soak/out' } as const;

export interface Doors {
  readonly http: string;
  readonly socket: string;
  readonly grpc: string;
}

/** A server, two signed releases, and one enrolled agent as a device runs it. */
export class SoakDevice {
  readonly #dir: string;
  readonly #processes: Processes;
  #server = '';

  constructor(dir: string, processes: Processes) {
    this.#dir = dir;
    this.#processes = processes;
  }

  async start(broker: string, versions: readonly string[]): Promise<Doors> {
    await this.#startServer();
    await this.#publish(versions);
    const token = await this.#cli('token', 'create', RING, '--label', `stage=${RING}`, '--json');
    const tokenFile = join(this.#dir, 'token');
    writeFileSync(tokenFile, String((JSON.parse(token) as { token: string }).token), { mode: 0o600 });
    const stateDir = join(this.#dir, 'agent');
    await runToEnd(
      PROGRAMS.agent,
      ['enroll', '--token-file', tokenFile, '--id', 'soak-1', '--state-dir', stateDir],
      {},
    );
    const config = join(this.#dir, 'agent.yaml');
    const stream = { broker, topic: TOPIC.in, output: TOPIC.out, model: MODEL, json: { image: 'pixels' } };
    // Socket paths are limited to 107 bytes: the working directory keeps them short.
    const socket = relative(process.cwd(), join(stateDir, 'v2.sock'));
    writeFileSync(
      config,
      stringify({
        http: { port: 0 },
        grpc: { port: 0 },
        metrics: { port: 0 },
        socket: { path: socket },
        report: { periodMs: 10_000 },
        streams: { list: [stream] },
      }),
    );
    const ready = await this.#processes.start(
      'agent',
      PROGRAMS.agent,
      ['run', '--state-dir', stateDir, '--config', config],
      { readyMessage: 'agent ready', env: withHeapProbe(this.heapFile) },
    );
    const status = await runToEnd(PROGRAMS.agent, ['status', '--json', '--state-dir', stateDir], {});
    return { http: String(ready['http']), socket, grpc: (JSON.parse(status) as { grpc: string }).grpc };
  }

  /** What each full collection left in the agent's heap. */
  get heapFile(): string {
    return join(this.#dir, 'heap.jsonl');
  }

  get agentPid(): number {
    return this.#processes.pid('agent');
  }

  /** Makes the device run a version, and waits until it has committed it. */
  async assign(version: string, minInferences: number): Promise<void> {
    const soak = ['--soak', '2s', '--min-inferences', String(minInferences), '--soak-deadline', '1h'];
    await this.#cli('ring', 'assign', RING, `${MODEL}@${version}`, ...soak);
    const api = new FleetApi(this.#server, this.#tokenOfAdmin);
    await until(`the device commits ${version}`, COMMIT_MS, async () => {
      const [device] = await api.devices();
      const model = device?.models.find((one) => one.model === MODEL);
      return model?.isCommitted && model.running?.version === version ? true : null;
    });
  }

  async #startServer(): Promise<void> {
    const config = join(this.#dir, 'server.yaml');
    const any = { host: '127.0.0.1', port: 0 };
    const people = { ...any, plainPort: 0 };
    writeFileSync(
      config,
      stringify(
        { fleet: 'soak', publicHost: '127.0.0.1', people, device: any, mqtt: any },
        { aliasDuplicateObjects: false },
      ),
    );
    const ready = await this.#processes.start(
      'server',
      PROGRAMS.server,
      ['--config', config, '--data-dir', join(this.#dir, 'server')],
      { readyMessage: 'server ready' },
    );
    this.#server = String(ready['plain']);
  }

  async #publish(versions: readonly string[]): Promise<void> {
    const [trust, out] = [join(this.#dir, 'trust'), join(this.#dir, 'dist')];
    mkdirSync(out, { recursive: true });
    const onlineKey = join(this.#dir, 'server', 'keys', 'online.pub.json');
    await this.#cli('trust', 'init', '--dir', trust, '--model', MODEL, '--online-key', onlineKey);
    await this.#cli('trust', 'publish', '--dir', trust);
    await this.#cli('ring', 'set', RING, '--order', '1', '--selector', `stage=${RING}`);
    for (const version of versions) {
      const built = join(out, `${MODEL}-${version}`);
      await this.#cli('release', 'build', sourceOf(version, { kind: 'rebuilt' }, this.#dir), '--out', out);
      await this.#cli('release', 'sign', built, '--trust', trust);
      await this.#cli('release', 'publish', built, '--trust', trust);
    }
  }

  get #tokenOfAdmin(): string {
    return join(this.#dir, 'server', 'keys', 'admin.token');
  }

  #cli(...args: readonly string[]): Promise<string> {
    return runToEnd(PROGRAMS.cli, args, {
      RINGFLEET_URL: this.#server,
      RINGFLEET_TOKEN: readFileSync(this.#tokenOfAdmin, 'utf8').trim(),
      RINGFLEET_KEY_PASSPHRASE: 'for this soak only: this key signs nothing of value',
      NO_COLOR: '1',
    });
  }
}
