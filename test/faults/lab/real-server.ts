import { join } from 'node:path';
import { writeSource } from '../../../fleet-server/src/release-build/release-fixture.ts';
import { LiveClient } from '../../integration/live-client.ts';
import { type LiveAgent, LiveFleet } from '../../integration/live-fleet.ts';
import { untilTrue } from '../../lab/until.ts';
import { compareLedgers } from './ledgers.ts';

const MODEL = 'tiny';
const DEVICE = 'd-1';
const UPDATE_MS = 60_000;

/** The real server and one real agent that runs its releases one after the other. */
export class RealServer {
  readonly #fleet: LiveFleet;
  readonly #agent: LiveAgent;
  readonly #client: LiveClient;
  #version = 0;

  private constructor(fleet: LiveFleet, agent: LiveAgent, client: LiveClient) {
    this.#fleet = fleet;
    this.#agent = agent;
    this.#client = client;
  }

  static async start(): Promise<RealServer> {
    const fleet = await LiveFleet.start();
    const trust = join(fleet.dir, 'publisher');
    const online = join(fleet.serverDir, 'keys', 'online.pub.json');
    await fleet.must('trust', 'init', '--dir', trust, '--online-key', online, '--model', MODEL);
    await fleet.must('trust', 'publish', '--dir', trust);
    await fleet.must('ring', 'set', 'a', '--order', '1', '--selector', 'stage=a');
    const first = await publish(fleet, '1.0.0');
    await fleet.assign('a', first);
    const agent = await fleet.agent(DEVICE, 'a');
    const client = new LiveClient(agent.http, MODEL);
    await untilTrue('the first release is committed', async () => isRunning(fleet, '1.0.0'), {
      limitMs: UPDATE_MS,
    });
    // Before the first release there was nothing to answer with.
    client.failures.length = 0;
    return new RealServer(fleet, agent, client);
  }

  /** Assigns one more release, kills the server when the agent has come to `state`, and starts it again. */
  async killIn(state: string): Promise<string> {
    this.#version += 1;
    const version = `1.${this.#version}.0`;
    const release = await publish(this.#fleet, version);
    const seen = this.#agent.log.length;
    await this.#fleet.assign('a', release);
    const isThere = async (): Promise<boolean> =>
      state === 'idle' ||
      this.#agent.log.slice(seen).some((line) => line['msg'] === 'update state' && line['to'] === state);
    await untilTrue(`the agent is ${state}`, isThere, { limitMs: UPDATE_MS });
    await this.#fleet.killServer();
    await this.#fleet.startServer();
    const isDone = async (): Promise<boolean> => isRunning(this.#fleet, version);
    await untilTrue(`${version} is committed`, isDone, { limitMs: UPDATE_MS });
    const isSent = async (): Promise<boolean> => (await this.#agent.status()).outbox.rows === 0;
    await untilTrue('all reports are stored', isSent, { limitMs: UPDATE_MS });
    return version;
  }

  /** What is wrong between the agent's ledger and the server's rows, and with the answers so far. */
  flaws(): string[] {
    const { serverDir } = this.#fleet;
    return [...compareLedgers(this.#agent.stateDir, serverDir, DEVICE), ...this.#client.failures.splice(0)];
  }

  async stop(): Promise<void> {
    await this.#client.stop();
    await this.#fleet.stop();
  }
}

async function publish(fleet: LiveFleet, version: string): Promise<string> {
  const trust = join(fleet.dir, 'publisher');
  const source = await writeSource(join(fleet.dir, version), (one) => Object.assign(one, { version }));
  await fleet.must('release', 'build', source, '--out', join(fleet.dir, 'dist'));
  const dist = join(fleet.dir, 'dist', `${MODEL}-${version}`);
  await fleet.must('release', 'sign', dist, '--trust', trust);
  await fleet.must('release', 'publish', dist, '--trust', trust);
  return `${MODEL}@${version}`;
}

async function isRunning(fleet: LiveFleet, version: string): Promise<boolean> {
  const [model] = (await fleet.device(DEVICE)).models ?? [];
  return model?.isCommitted === true && model.running?.version === version;
}
