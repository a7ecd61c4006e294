import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BundleContent,
  buildBundle,
  peekBundle,
  type Signer,
  signDocument,
  signerOf,
} from '@ringfleet/shared/trust';
import Sqlite from 'better-sqlite3';
import { SOURCE, writeSource } from '../../fleet-server/src/release-build/release-fixture.ts';
import { LiveAgent, LiveFleet } from './live-fleet.ts';
import { type Outcome, runToEnd } from './live-process.ts';

export const MODEL = SOURCE.model;
const SOAK = ['--soak', '50ms', '--min-inferences', '0', '--soak-deadline', '1m'];

/** A server, and devices that were online once, to enroll, and never again. */
export class AirGap {
  readonly fleet: LiveFleet;

  private constructor(fleet: LiveFleet) {
    this.fleet = fleet;
  }

  static async start(): Promise<AirGap> {
    const fleet = await LiveFleet.start();
    const gap = new AirGap(fleet);
    await fleet.must(
      ...['trust', 'init', '--dir', gap.trust, '--model', MODEL],
      ...['--online-key', join(fleet.serverDir, 'keys', 'online.pub.json')],
    );
    await fleet.must('trust', 'publish', '--dir', gap.trust);
    await fleet.must('ring', 'set', 'mine', '--order', '1', '--selector', 'stage=mine');
    return gap;
  }

  get trust(): string {
    return join(this.fleet.dir, 'publisher');
  }

  stick(name: string): string {
    return join(this.fleet.dir, name);
  }

  async publish(version: string): Promise<void> {
    const { fleet, trust } = this;
    const source = await writeSource(join(fleet.dir, `source-${version}`), (s) =>
      Object.assign(s, { version, limits: { ...s.limits, inferMs: 5_000 } }),
    );
    await fleet.must('release', 'build', source, '--out', join(fleet.dir, 'dist'));
    const dist = join(fleet.dir, 'dist', `${MODEL}-${version}`);
    await fleet.must('release', 'sign', dist, '--trust', trust);
    await fleet.must('release', 'publish', dist, '--trust', trust);
    await fleet.must('ring', 'assign', 'mine', `${MODEL}@${version}`, ...SOAK, '--yes');
  }

  /** Enrolls over the network; the agent that is started then knows no server. */
  async enroll(id: string): Promise<string> {
    const stateDir = join(this.fleet.dir, id);
    const tokenFile = await this.fleet.token(`mine`);
    const { code, err } = await runToEnd(
      'agent',
      ['enroll', '--token-file', tokenFile, '--id', id, '--state-dir', stateDir],
      {},
    );
    if (code !== 0) throw new Error(`${id} was not enrolled: ${err}`);
    return stateDir;
  }

  async offlineAgent(id: string, stateDir: string): Promise<LiveAgent> {
    const config = join(this.fleet.dir, `${id}-offline.yaml`);
    const online = await readFile(this.fleet.agentConfig(id), 'utf8');
    await writeFile(config, online.replace('server:\n', 'server:\n  enabled: false\n'));
    const agent = new LiveAgent(id, stateDir, config);
    await agent.start();
    return agent;
  }

  /** The JSON of an export. */
  async export(stick: string, device: string, ...more: readonly string[]): Promise<{ downloaded: number }> {
    const printed = await this.fleet.must(
      ...['bundle', 'export', '--device', device, '--out', this.stick(stick), '--json', ...more],
    );
    return JSON.parse(printed) as { downloaded: number };
  }

  async copyOf(stick: string, name: string): Promise<string> {
    await cp(this.stick(stick), this.stick(name), { recursive: true });
    return this.stick(name);
  }

  /** Who steals the server's key signs whatever they like. */
  async onlineSigner(): Promise<Signer> {
    const path = join(this.fleet.serverDir, 'keys', 'online.key.json');
    const { secretKey } = JSON.parse(await readFile(path, 'utf8')) as { secretKey: string };
    return signerOf(Buffer.from(secretKey, 'hex'));
  }

  /** Changes what bundle.json says, and signs it with the director's key again. */
  async resign(dir: string, change: (content: BundleContent) => object): Promise<void> {
    const path = join(dir, 'bundle.json');
    const content = peekBundle(await readFile(path, 'utf8'));
    const changed = { ...content, ...change(content) } as BundleContent;
    await writeFile(path, signDocument(buildBundle(changed), [await this.onlineSigner()]));
  }

  stop(): Promise<void> {
    return this.fleet.stop();
  }
}

export const agentVerb = (stateDir: string, ...args: readonly string[]): Promise<Outcome> =>
  runToEnd('agent', [...args, '--state-dir', stateDir], {});

/** Everything that an import may change: what is trusted, accepted and installed. */
export async function trustedState(stateDir: string): Promise<string> {
  const db = new Sqlite(join(stateDir, 'control.db'), { readonly: true });
  try {
    const tables = ['accepted_assignment', 'trust_documents', 'floors', 'machines'];
    const rows = tables.map((table) => db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all());
    return createHash('sha256').update(JSON.stringify(rows)).digest('hex');
  } finally {
    db.close();
  }
}

export async function writeInto(dir: string, path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(join(dir, path, '..'), { recursive: true });
  await writeFile(join(dir, path), content);
}
