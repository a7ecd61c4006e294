import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeSource } from '../../fleet-server/src/release-build/release-fixture.ts';
import { Box, type BoxOptions } from './box.ts';
import { run } from './command.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const URL_OF_SERVER = 'http://127.0.0.1:8500';

/** Builds the agent's package for this machine, quickly; returns its path. */
export async function buildPackage(outDir: string, version: string): Promise<string> {
  await mkdir(outDir, { recursive: true });
  const arch = process.arch === 'x64' ? 'amd64' : 'arm64';
  const args = [
    '--conditions=source',
    'scripts/package/main.ts',
    '--arch',
    arch,
    '--only',
    'agent',
    '--fast',
  ];
  await run('env', ['-C', ROOT, process.execPath, ...args, '--out', outDir, '--version', version]);
  const file = (await readdir(outDir)).find((name) => name.endsWith(`_${version}_${arch}.deb`));
  if (!file) throw new Error(`no package in ${outDir}`);
  return join(outDir, file);
}

/** A box with a fleet server as a service of its own, the CLI, and room for the packages: the agent is the test's to install. */
export class PackagedFleet {
  readonly box: Box;
  readonly dir: string;

  private constructor(box: Box, dir: string) {
    this.box = box;
    this.dir = dir;
  }

  /** `dir` is seen in the box under its own path. */
  static async boot(more: Partial<BoxOptions> = {}): Promise<PackagedFleet> {
    const dir = await mkdtemp(join(tmpdir(), 'rf-packaged-'));
    const box = await Box.boot({
      // Another system to try the packages on: a root file system with curl and openssl.
      root: process.env['RINGFLEET_LAB_ROOT'] ?? 'host',
      ...more,
      // The sources lie wherever they were cloned to: below /tmp, too, of which a box has its own.
      binds: [
        { from: ROOT, to: ROOT },
        { from: dir, to: '/mnt/test', isWritable: true },
        ...(more.binds ?? []),
      ],
      files: { '/etc/systemd/system/test-server.service': serverUnit(), ...more.files },
    });
    const fleet = new PackagedFleet(box, dir);
    await box.sh('mkdir -p /opt/server && systemctl start test-server');
    await box.until('test -s /opt/server/keys/admin.token', 20_000);
    await fleet.#makeTrust();
    return fleet;
  }

  cli(...args: readonly string[]): Promise<string> {
    const env = {
      RINGFLEET_URL: URL_OF_SERVER,
      RINGFLEET_TOKEN_FILE: '/opt/server/keys/admin.token',
      RINGFLEET_KEY_PASSPHRASE: 'of the test',
    };
    const words = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
    const program = `'${process.execPath}' '${ROOT}fleet-server/dist/ringfleet.mjs'`;
    return this.box.sh(`${words.join(' ')} ${program} ${args.map((one) => `'${one}'`).join(' ')}`);
  }

  /** Builds, signs and publishes a release of the tiny model, and has the ring of all devices run it. */
  async publish(version: string, limits: object = {}): Promise<void> {
    await writeSource(join(this.dir, `source-${version}`), (source) => {
      Object.assign(source, { version, limits: { ...source.limits, ...limits } });
    });
    await this.cli('release', 'build', `/mnt/test/source-${version}/source`, '--out', '/mnt/test/dist');
    const built = `/mnt/test/dist/tiny-${version}`;
    await this.cli('release', 'sign', built, '--trust', '/mnt/test/trust');
    await this.cli('release', 'publish', built, '--trust', '/mnt/test/trust');
    const soak = ['--soak', '50ms', '--min-inferences', '0', '--soak-deadline', '1m'];
    await this.cli('ring', 'assign', 'all', `tiny@${version}`, ...soak, '--yes');
  }

  /** Writes an enrollment token to a file of the box; returns the line that installs a device with it. */
  async token(file: string): Promise<string> {
    const made = await this.cli('token', 'create', 'all', '--label', 'stage=all', '--uses', '5', '--json');
    const { token, install } = JSON.parse(made) as { token: string; install: string };
    await this.box.sh(`mkdir -p "$(dirname ${file})" && umask 077 && cat > ${file}`, { input: token });
    // Whoever runs it here is root.
    return install.replace('TOKEN_FILE', file).replace('sudo ', '');
  }

  async #makeTrust(): Promise<void> {
    const trust = ['--dir', '/mnt/test/trust'];
    await this.cli(
      'trust',
      'init',
      ...trust,
      '--model',
      'tiny',
      '--online-key',
      '/opt/server/keys/online.pub.json',
    );
    await this.cli('trust', 'publish', ...trust);
    await this.cli('ring', 'set', 'all', '--order', '1', '--selector', 'stage=all');
  }

  async down(): Promise<void> {
    await this.box.down();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Without its own packages: those are tested apart. */
function serverUnit(): string {
  const settings = {
    PUBLIC_HOST: '127.0.0.1',
    PEOPLE__PLAIN_PORT: '8500',
    TICK_MS: '100',
    RECONNECT_WINDOW_MS: '0',
  };
  const lines = Object.entries(settings).map(
    ([key, value]) => `Environment=RINGFLEET_SERVER__${key}=${value}`,
  );
  return [
    '[Service]',
    ...lines,
    `ExecStart=${process.execPath} ${ROOT}fleet-server/dist/ringfleet-server.mjs --data-dir /opt/server`,
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}
