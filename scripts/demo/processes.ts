import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const PROGRAMS = {
  server: join(ROOT, 'fleet-server/dist/ringfleet-server.mjs'),
  cli: join(ROOT, 'fleet-server/dist/ringfleet.mjs'),
  agent: join(ROOT, 'agent/dist/ringfleet-agent.mjs'),
  client: join(ROOT, 'scripts/demo/client.ts'),
} as const;

const DEMO_PROGRAMS: ReadonlySet<string> = new Set(Object.values(PROGRAMS));

const STOP_MS = 8_000;

/** The processes of one demo: each logs to its own file, each pid stands in the pid file until it has ended. */
export class Processes {
  readonly #children = new Map<string, ChildProcess>();
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Starts a program that stays up; resolves with the JSON log line whose msg is `readyMessage`. */
  async start(
    name: string,
    program: string,
    args: readonly string[],
    options: { env?: NodeJS.ProcessEnv; readyMessage?: string; readyMs?: number } = {},
  ): Promise<Record<string, unknown>> {
    const logFd = openSync(join(this.#dir, 'logs', `${name}.log`), 'a');
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', logFd],
    });
    closeSync(logFd);
    this.#children.set(name, child);
    this.#writePids();
    const log = openSync(join(this.#dir, 'logs', `${name}.log`), 'a');
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(new Error(`${name} was not ready in time; see ${join(this.#dir, 'logs', `${name}.log`)}`)),
        options.readyMs ?? 30_000,
      );
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        this.#children.delete(name);
        this.#writePids();
        closeSync(log);
        reject(new Error(`${name} ended (${signal ?? code}); see ${join(this.#dir, 'logs', `${name}.log`)}`));
      });
      const lines = createInterface({ input: child.stdout ?? process.stdin });
      lines.on('line', (line) => {
        try {
          writeFileSync(log, `${line}\n`);
        } catch {
          // The log was closed with the process: its last lines are lost, the demo goes on.
        }
        if (!options.readyMessage || !line.includes(options.readyMessage)) return;
        clearTimeout(timer);
        resolve(JSON.parse(line) as Record<string, unknown>);
      });
      if (!options.readyMessage) {
        clearTimeout(timer);
        resolve({});
      }
    });
  }

  pid(name: string): number {
    return this.#children.get(name)?.pid ?? 0;
  }

  /** SIGTERM, and SIGKILL for what does not end in time. */
  async stop(name: string): Promise<void> {
    const child = this.#children.get(name);
    if (!child || child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((name) => this.stop(name)));
    rmSync(pidFile(this.#dir), { force: true });
  }

  #writePids(): void {
    const pids = [process.pid, ...[...this.#children.values()].map((child) => child.pid)];
    writeFileSync(pidFile(this.#dir), `${pids.join('\n')}\n`);
  }
}

/** Ends what an earlier demo in this folder left running, by its pid file; checks that a pid still is one of ours. */
export async function endEarlier(dir: string): Promise<number> {
  if (!existsSync(pidFile(dir))) return 0;
  const pids = readFileSync(pidFile(dir), 'utf8')
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 1 && isOurs(pid));
  for (const pid of pids) signal(pid, 'SIGTERM');
  const deadline = Date.now() + STOP_MS;
  while (pids.some(isOurs) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const pid of pids.filter(isOurs)) signal(pid, 'SIGKILL');
  // The earlier demo may have removed it on its way out.
  rmSync(pidFile(dir), { force: true });
  return pids.length;
}

/** Runs a program to its end and returns its stdout; throws with its stderr when it fails. */
export function runToEnd(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${args.slice(0, 2).join(' ')} ended with ${code}: ${err.trim() || out.trim()}`));
    });
  });
}

const pidFile = (dir: string): string => join(dir, 'pids');

function isOurs(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return args.some((arg) => DEMO_PROGRAMS.has(arg) || arg.endsWith('scripts/demo/main.ts'));
  } catch {
    // No /proc entry: the process has ended.
    return false;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended in between.
  }
}
