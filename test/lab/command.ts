import { spawn } from 'node:child_process';

export interface Outcome {
  /** Exit status; null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const LIMIT_MS = 60_000;

/** Runs a program to its end, whatever that is. Ended by force after `limitMs`. */
export function tryRun(
  program: string,
  args: readonly string[],
  { input, limitMs = LIMIT_MS }: { readonly input?: string; readonly limitMs?: number } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
      // systemctl colours and pages for terminals only, ldconfig and mkfs live where root looks.
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, LC_ALL: 'C.UTF-8' },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    // A program that reads nothing may be gone before its input is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** The same for programs that must succeed: throws with what they said. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly input?: string; readonly limitMs?: number } = {},
): Promise<Outcome> {
  const done = await tryRun(program, args, options);
  if (done.code === 0) return done;
  throw new Error(`${program} ${args.join(' ')} ended with ${done.code}: ${done.stderr}${done.stdout}`);
}
