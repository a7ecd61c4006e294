import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type BoxCgroup, leaveCgroups, makeCgroups, removeCgroups, unifiedFolder } from './cgroups.ts';
import { type Outcome, run, tryRun } from './command.ts';
import { cutFileSystem, loopDeviceOf } from './disk.ts';
import { untilTrue } from './until.ts';

const SCRIPT = fileURLToPath(new URL('box.sh', import.meta.url));
const BOOT_MS = 30_000;
const DOWN_MS = 30_000;

export interface BoxOptions {
  /**
   * `usr` (the default): an empty system with the host's /usr read-only and a fresh copy of /etc at every boot.
   * `host`: a copy-on-write view of the whole host. A folder: a copy-on-write view of that root file system.
   * The changes of the latter two outlive a reboot, not `down`.
   */
  readonly root?: 'usr' | 'host' | (string & {});
  /** An ext4 image (`makeDisk`) and where it is mounted, `/var` by default. Only with one can the power be cut. */
  readonly disk?: { readonly image: string; readonly at?: string; readonly mountOptions?: string };
  /** Folders or files of the host to be seen inside. */
  readonly binds?: readonly { readonly from: string; readonly to: string; readonly isWritable?: boolean }[];
  /** Files to be there at every boot, by absolute path: units, drop-ins, configuration. */
  readonly files?: Readonly<Record<string, string>>;
  /** A network namespace (network.ts); else loopback only. */
  readonly network?: string;
}

/**
 * A real systemd as process 1 of its own namespaces, in about a second: watchdog, memory limits and sandboxes are the
 * kernel's. Needs root, see `whyNoLab`. The box dies with the process that booted it.
 *
 *     const box = await Box.boot({ disk: { image } });
 *     await box.sh('systemctl start my.service');
 *     await box.cut();       // the power fails
 *     await box.boot();      // and comes back
 *     await box.down();
 */
export class Box {
  readonly name: string;
  readonly #options: BoxOptions;
  readonly #dir: string;
  #running: Running | null = null;

  private constructor(options: BoxOptions) {
    this.#options = options;
    this.name = `rf${randomBytes(4).toString('hex')}`;
    this.#dir = mkdtempSync(join(tmpdir(), 'rf-box-'));
  }

  static async boot(options: BoxOptions = {}): Promise<Box> {
    const box = new Box(options);
    const { root = 'usr' } = options;
    mkdirSync(join(box.#dir, 'upper'));
    mkdirSync(join(box.#dir, 'work'));
    // An overlay cannot keep its changes on another overlay, which a container's disk often is.
    if (root !== 'usr') await run('mount', ['-t', 'tmpfs', 'box', join(box.#dir, 'upper')]);
    try {
      await box.boot();
    } catch (err) {
      await box.down();
      throw err;
    }
    return box;
  }

  /** Switches it on again after `cut`, `kill` or `powerOff`. Resolves when all units have been started. */
  async boot(): Promise<void> {
    if (this.#running) throw new Error(`${this.name} is running`);
    const cgroups = makeCgroups(this.name);
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', SCRIPT, 'enter'], {
      env: { ...process.env, ...this.#environment(cgroups) },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const said = collect(child);
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const pid = await firstPid(child, said);
    leaveCgroups(cgroups, child.pid ?? 0);
    child.stdin?.end('boot\n');
    this.#running = { pid, cgroups, exited };
    let state = '';
    const isUp = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`${this.name} ended while it booted: ${said()}`);
      const outcome = await this.trySh('test "$(readlink /proc/1/exe)" && systemctl is-system-running');
      state = outcome.stdout.trim();
      return state === 'running' || state === 'degraded';
    };
    await untilTrue(`${this.name} has booted`, isUp, {
      limitMs: BOOT_MS,
      detail: () => `${state} ${said()}`,
    });
  }

  /** Number of the box's process 1, as the host counts. */
  get pid(): number {
    return this.#up.pid;
  }

  /** Runs a shell line inside and returns what it printed; throws with its errors when it fails. */
  async sh(
    line: string,
    options: { readonly input?: string; readonly limitMs?: number } = {},
  ): Promise<string> {
    const { code, stdout, stderr } = await this.trySh(line, options);
    if (code !== 0) throw new Error(`in ${this.name}: ${line}\nended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** The same for lines that may fail. */
  trySh(
    line: string,
    options: { readonly input?: string; readonly limitMs?: number } = {},
  ): Promise<Outcome> {
    return tryRun('nsenter', [...this.#entering(), '--', 'sh', '-c', line], options);
  }

  /** A long-running program inside; it is the caller's to end. */
  spawn(args: readonly string[]): ChildProcess {
    return spawn('nsenter', [...this.#entering(), '--', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Path of a file of the box, as the host sees it; only while it runs. */
  path(inside: string): string {
    return `/proc/${this.pid}/root${inside}`;
  }

  /** The journal of one unit, newest last. */
  journal(unit: string, lines = 200): Promise<string> {
    return this.sh(`journalctl --no-pager --output=cat --lines=${lines} --unit=${unit}`);
  }

  /** Waits until a shell line succeeds inside. */
  async until(line: string, limitMs = 10_000): Promise<void> {
    let last = '';
    const holds = async (): Promise<boolean> => {
      const { code, stdout, stderr } = await this.trySh(line);
      last = `${stdout}${stderr}`;
      return code === 0;
    };
    await untilTrue(line, holds, { limitMs, detail: () => last });
  }

  /** POWER CUT: every process stops, what has not reached the disk is gone. `boot` switches it on again. */
  async cut(): Promise<void> {
    const { disk } = this.#options;
    if (!disk) throw new Error('a power cut needs a disk');
    await this.freeze();
    await cutFileSystem(this.path(disk.at ?? '/var'));
    await this.kill();
  }

  /** Kills process 1, and with it all others at once; the disk keeps what the kernel had taken. */
  async kill(): Promise<void> {
    const { pid } = this.#up;
    process.kill(pid, 'SIGKILL');
    await this.#ended(DOWN_MS);
  }

  /** Orderly power-off. */
  async powerOff(): Promise<void> {
    const { pid } = this.#up;
    // SIGRTMIN+4 starts poweroff.target without logind or D-Bus.
    await run('kill', ['-s', 'RTMIN+4', String(pid)]);
    if (await this.#ended(DOWN_MS, true)) return;
    await this.kill();
  }

  async reboot(): Promise<void> {
    await this.powerOff();
    await this.boot();
  }

  /** Stops every process where it is (cgroup freezer); the kernel goes on answering TCP for them. */
  async freeze(): Promise<void> {
    await this.#setFrozen(true);
  }

  async thaw(): Promise<void> {
    await this.#setFrozen(false);
  }

  /** The end: powers off if need be and removes everything but the disk image. */
  async down(): Promise<void> {
    if (this.#running) await this.kill();
    await tryRun('umount', ['-l', join(this.#dir, 'upper')]);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  get #up(): Running {
    if (!this.#running) throw new Error(`${this.name} is switched off`);
    return this.#running;
  }

  #entering(): string[] {
    return ['--target', String(this.#up.pid), ...['-m', '-u', '-i', '-n', '-p', '-C'], '--wdns=/'];
  }

  #environment(cgroups: readonly BoxCgroup[]): Record<string, string> {
    const { root = 'usr', disk, binds = [], files = {}, network = '' } = this.#options;
    const written = Object.entries(files).map(([to, content], i) => {
      const from = join(this.#dir, `file-${i}`);
      writeFileSync(from, content, { mode: 0o644 });
      return { from, to, isWritable: false };
    });
    return {
      BOX_NAME: this.name,
      BOX_WORK: join(this.#dir, 'work'),
      BOX_ROOT: root,
      BOX_UPPER: join(this.#dir, 'upper'),
      BOX_DISK: disk?.image ?? '',
      BOX_DISK_AT: disk?.at ?? '/var',
      BOX_DISK_OPTIONS: disk?.mountOptions ?? '',
      BOX_BINDS: [...binds, ...written]
        .map(({ from, to, isWritable }) => `${isWritable ? 'rw' : 'ro'} ${from} ${to}`)
        .join('\n'),
      BOX_NETNS: network,
      BOX_CGROUPS: cgroups.map(({ mount, options, folder }) => `${mount} ${options} ${folder}`).join('\n'),
    };
  }

  async #setFrozen(isFrozen: boolean): Promise<void> {
    const folder = unifiedFolder(this.#up.cgroups);
    writeFileSync(join(folder, 'cgroup.freeze'), isFrozen ? '1' : '0');
    const wanted = `frozen ${isFrozen ? 1 : 0}`;
    const isDone = () => readFileSync(join(folder, 'cgroup.events'), 'utf8').includes(wanted);
    await untilTrue(`${this.name} is ${wanted}`, async () => isDone(), { limitMs: 10_000 });
  }

  /** Waits for the last process, then tidies; the loop device goes with the last mount. */
  async #ended(limitMs: number, mayFail = false): Promise<boolean> {
    const { exited, cgroups } = this.#up;
    const late = AbortSignal.timeout(limitMs);
    const isLate = new Promise<'late'>((resolve) => late.addEventListener('abort', () => resolve('late')));
    if ((await Promise.race([exited, isLate])) === 'late') {
      if (mayFail) return false;
      throw new Error(`${this.name} did not end within ${limitMs} ms`);
    }
    this.#running = null;
    const { disk } = this.#options;
    if (disk) {
      const isDetached = async () => (await loopDeviceOf(disk.image)) === null;
      await untilTrue(`${disk.image} is unmounted`, isDetached, { limitMs: 10_000 });
    }
    removeCgroups(cgroups);
    return true;
  }
}

interface Running {
  readonly pid: number;
  readonly cgroups: readonly BoxCgroup[];
  readonly exited: Promise<void>;
}

function collect(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-4_000);
  });
  return () => text.trim();
}

async function firstPid(child: ChildProcess, said: () => string): Promise<number> {
  if (child.stdout) {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('pid ')) {
        child.stdout.resume();
        return Number(line.slice(4));
      }
    }
  }
  throw new Error(`the box could not be made: ${said()}`);
}
