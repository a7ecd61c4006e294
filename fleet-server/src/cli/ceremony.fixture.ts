import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair, publicKeyFile } from '@ringfleet/shared/trust';
import { runProgram } from './main-program.ts';
import { registerReleaseCommands } from './release-commands.ts';
import { registerTrustCommands } from './trust-commands.ts';

/** People whose keys take part in the ceremony of a test. */
export const PEOPLE = ['ann', 'ben', 'cleo', 'eve'] as const;

/** For tests: key files of some people, a fresh trust folder of one model, and the CLI run on them without a server. */
export class Ceremony {
  readonly dir: string;
  readonly #once: string;

  private constructor(once: string, dir: string) {
    this.#once = once;
    this.dir = dir;
  }

  /** Makes keys and a trust folder, which takes seconds: once for a file of tests. */
  static async prepare(): Promise<string> {
    const once = await mkdtemp(join(tmpdir(), 'ceremony-'));
    const online = generateKeyPair(randomBytes(32)).publicKey;
    await writeFile(join(once, 'online.pub.json'), JSON.stringify(publicKeyFile(online)));
    const made = new Ceremony(once, once);
    for (const name of PEOPLE) await made.run('trust', 'key', 'create', name, '--dir', join(once, 'people'));
    await made.run(
      ...['trust', 'init', '--dir', join(once, 'trust'), '--model', 'tiny'],
      ...['--online-key', join(once, 'online.pub.json')],
    );
    return once;
  }

  /** A copy of what was prepared, for one test. */
  static async start(once: string): Promise<Ceremony> {
    const dir = await mkdtemp(join(tmpdir(), 'ceremony-'));
    await cp(once, dir, { recursive: true });
    return new Ceremony(once, dir);
  }

  get trust(): string {
    return join(this.dir, 'trust');
  }

  path(...parts: readonly string[]): string {
    return join(this.dir, ...parts);
  }

  key(name: string): string {
    return join(this.dir, 'people', `${name}.key.json`);
  }

  pub(name: string): string {
    return join(this.dir, 'people', `${name}.pub.json`);
  }

  /** The key that `trust init` made for a role. */
  own(name: string): string {
    return join(this.trust, 'keys', `${name}.key.json`);
  }

  /** Runs the CLI; nothing on this machine is a server. */
  async run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const streams = {
      out: (text: string) => {
        out += text;
      },
      err: (text: string) => {
        err += text;
      },
    };
    const env = { RINGFLEET_KEY_PASSPHRASE: 'of the test', RINGFLEET_URL: 'http://127.0.0.1:1' };
    const families = [registerTrustCommands, registerReleaseCommands];
    const code = await runProgram(families, args, env, streams, new AbortController().signal);
    return { code, out, err };
  }

  /** Runs the CLI with --json; throws unless it ended well. */
  async json(...args: readonly string[]): Promise<Record<string, unknown>> {
    const { code, out, err } = await this.run(...args, '--json');
    if (code !== 0) throw new Error(`${args.join(' ')}: ${err}`);
    return JSON.parse(out);
  }

  async end(): Promise<void> {
    if (this.dir !== this.#once) await rm(this.dir, { recursive: true, force: true });
  }
}
