import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Relative to the repository. */
export const AGENT = 'agent/dist/ringfleet-agent.mjs';

const READY_MS = 30_000;
const STOP_MS = 5_000;

export interface Program {
  readonly pid: number;
  /** The line that said it was ready. */
  readonly ready: string;
  /** SIGTERM, and SIGKILL for what does not end in time. Idempotent. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Part of the line of stdout that says it is ready; default: any line. */
  readonly readyWith?: string;
  /** Another program than Node. */
  readonly command?: string;
}

/** Starts a program of the repository that stays up, and waits until it says that it is ready. */
export function startProgram(
  args: readonly string[],
  { env, readyWith = '', command }: StartOptions = {},
): Promise<Program> {
  const child = spawn(command ?? process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Interrupted before it was ready, it is nobody's to stop yet.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = `${errors}${chunk.toString()}`.slice(-4_000);
  });
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${args.slice(0, 2).join(' ')} ${why}: ${errors.trim()}`));
    };
    const timer = setTimeout(() => fail('was not ready in time'), READY_MS);
    child.once('error', (err) => fail(err.message));
    const endedEarly = (code: number | null, signal: string | null): void =>
      fail(`ended with ${signal ?? code}`);
    child.once('exit', endedEarly);
    // Read to the end: a full pipe would stop the program.
    createInterface({ input: child.stdout }).on('line', (ready) => {
      if (!ready.includes(readyWith)) return;
      clearTimeout(timer);
      child.off('exit', endedEarly);
      resolve({ pid: child.pid ?? 0, ready, stop: () => stop(child) });
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}
