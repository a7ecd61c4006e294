import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { untilTrue } from '../../lab/until.ts';

export interface Launch {
  readonly bundle: string;
  readonly stateDir: string;
  readonly config: string;
  /** A program in front, with its arguments: `strace -f …`. */
  readonly through?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface LogLine {
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** One run of the bundled agent, and what it logged. */
export class AgentProcess {
  readonly lines: LogLine[] = [];
  readonly startedAtMs = Date.now();
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;
  readonly #stateDir: string;
  isEnded = false;
  errors = '';

  constructor({ bundle, stateDir, config, through = [], env = {} }: Launch) {
    this.#stateDir = stateDir;
    const [program = '', ...args] = [
      ...through,
      process.execPath,
      bundle,
      ...['run', '--state-dir', stateDir, '--config', config],
    ];
    this.#child = spawn(program, args, {
      // One thread for files, so that the order of what it does to the disk is the same in every run.
      env: { ...process.env, UV_THREADPOOL_SIZE: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: what is left of it can be ended, and nothing else.
      detached: true,
    });
    this.ended = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => {
        this.isEnded = true;
        resolve({ code, signal });
      }),
    );
    this.#child.on('error', (err) => {
      this.errors += err.message;
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.errors = (this.errors + chunk.toString()).slice(-4_000);
    });
    if (!this.#child.stdout) throw new Error('no stdout');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      // A process that is killed may leave half a line.
      if (line.startsWith('{') && line.endsWith('}')) this.lines.push(JSON.parse(line) as LogLine);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The phase that the machine had at that time, or has now. */
  phase(atMs = Number.POSITIVE_INFINITY): string {
    const moves = this.lines.filter(({ msg, time }) => msg === 'update state' && Date.parse(time) <= atMs);
    return String(moves.at(-1)?.['to'] ?? 'idle');
  }

  /** The agent itself, whatever stands in front of it; 0 when it is not there. */
  get agentPid(): number {
    return this.family().find((pid) => isAgent(pid)) ?? 0;
  }

  /** Its runners, the newest last. */
  runnerPids(): number[] {
    const runners = this.family().filter((pid) => commandLine(pid).includes('/runner.mjs'));
    return runners.sort((a, b) => a - b);
  }

  signal(signal: NodeJS.Signals): void {
    const pid = this.agentPid;
    if (pid !== 0) process.kill(pid, signal);
  }

  /** An orderly end, within the deadline of a service manager. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.killAll(), 10_000);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends the agent, what stands in front of it, and what they have left. */
  killAll(): void {
    for (const pid of this.family()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone in the meantime.
      }
    }
  }

  /** Processes of this agent that are there now: by the folder they work in, and by their group. */
  family(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => pid !== process.pid && this.#isOurs(pid));
  }

  /** Waits until nothing of it runs any more. */
  untilGone(limitMs: number): Promise<void> {
    const detail = (): string => this.family().map(commandOf).join('; ');
    return untilTrue('all processes are gone', async () => this.family().length === 0, { limitMs, detail });
  }

  #isOurs(pid: number): boolean {
    try {
      if (stateOf(pid) === 'Z') return false;
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(this.#stateDir) || groupOf(pid) === this.pid;
    } catch {
      return false;
    }
  }
}

const statOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
const stateOf = (pid: number): string => statOf(pid)[0] ?? '';
const groupOf = (pid: number): number => Number(statOf(pid)[2]);

const isAgent = (pid: number): boolean => /^\S*node\b.*ringfleet-agent\.mjs run /.test(commandLine(pid));

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

const commandOf = (pid: number): string => `${pid} ${commandLine(pid)}`;
