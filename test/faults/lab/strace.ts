import { existsSync, readFileSync } from 'node:fs';

/** System calls by which something on the disk becomes another thing. */
export const DURABLE = [
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'unlink', 'unlinkat', 'rmdir', 'mkdir', 'mkdirat'],
  ...['truncate', 'ftruncate', 'fsync', 'fdatasync', 'pwrite64', 'pwritev', 'write', 'writev'],
] as const;

/** One durable operation of a run: the nth call of this kind on this file. */
export interface Operation {
  readonly syscall: string;
  /** Below the state folder. */
  readonly path: string;
  /** From 1. */
  readonly nth: number;
  readonly atMs: number;
}

/** The program in front of the agent that writes down all it does to its disk. */
export const recording = (trace: string): string[] => [
  ...['strace', '-f', '--seccomp-bpf', '-y', '-ttt', '-s', '32', '-o', trace],
  ...['-e', `trace=${DURABLE.join(',')}`],
];

/**
 * The one that hurts it: `harm` is `signal=KILL`, `error=EIO` … at the nth call on the file. Signals are not delivered
 * where seccomp picks the calls (strace 6.1), so those runs are slower.
 */
export const injecting = (trace: string, stateDir: string, at: Operation, harm: string): string[] => [
  ...['strace', '-f', ...(harm.startsWith('signal') ? [] : ['--seccomp-bpf'])],
  ...['-y', '-ttt', '-s', '32', '-o', trace],
  ...['-e', `trace=${at.syscall}`, '-P', `${stateDir}${at.path === '' ? '' : `/${at.path}`}`],
  ...['-e', `inject=${at.syscall}:${harm}:when=${at.nth}`],
];

/** What a recorded run did below the state folder, in order. What failed by itself is left out: it changed nothing. */
export function operationsOf(trace: string, stateDir: string): Operation[] {
  const counts = new Map<string, number>();
  const operations: Operation[] = [];
  for (const { atMs, syscall, args, result } of callsOf(readFileSync(trace, 'utf8'))) {
    const path = pathIn(args, stateDir);
    if (path === null) continue;
    const key = `${syscall} ${path}`;
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    if (!result.startsWith('-1')) operations.push({ syscall, path, nth, atMs });
  }
  return operations;
}

/** When and in which words of strace a fault happened; null when it did not. */
export function proofOf(
  trace: string,
  harm: string,
): { readonly line: string; readonly atMs: number } | null {
  if (!existsSync(trace)) return null;
  const lines = readFileSync(trace, 'utf8').split('\n');
  const line = lineOf(lines, harm);
  if (line === undefined) return null;
  return { line, atMs: Number(/^\d+\s+([\d.]+)/.exec(line)?.[1] ?? 0) * 1000 };
}

function lineOf(lines: readonly string[], harm: string): string | undefined {
  if (harm === 'signal=KILL') return fatalCall(lines);
  if (harm === 'signal=STOP') return stoppingCall(lines);
  return lines.find((one) => one.includes('(INJECTED)'));
}

/** The last call that was done before everything stood still. */
function stoppingCall(lines: readonly string[]): string | undefined {
  const at = lines.findIndex((one) => one.includes('--- stopped by SIGSTOP ---'));
  if (at < 0) return undefined;
  return `${lines.slice(0, at).findLast((one) => / = \d/.test(one)) ?? ''} … ${lines[at]}`;
}

/** The call that never returned, and the end of its thread. Runners are killed, too: they are not meant. */
function fatalCall(lines: readonly string[]): string | undefined {
  const call = lines.findLast((one) => /^\d+ +[\d.]+ \w+\(/.test(one));
  const [pid] = call?.split(' ') ?? [];
  const end = lines.find((one) => one.startsWith(`${pid} `) && one.includes('+++ killed by SIGKILL'));
  const isCutOff = call !== undefined && /(= \?|<unfinished \.\.\.>)$/.test(call);
  return isCutOff && end !== undefined ? `${call} … ${end}` : undefined;
}

interface Call {
  readonly atMs: number;
  readonly syscall: string;
  readonly args: string;
  readonly result: string;
}

function callsOf(text: string): Call[] {
  const calls: Call[] = [];
  const open = new Map<string, Call>();
  for (const line of text.split('\n')) {
    const [, pid = '', time = '', rest = ''] = /^(\d+)\s+([\d.]+) (.*)$/.exec(line) ?? [];
    const atMs = Number(time) * 1000;
    const resumed = /^<\.\.\. (\w+) resumed>.*\) = (.*)$/.exec(rest);
    if (resumed) {
      const begun = open.get(pid);
      if (begun) calls[calls.indexOf(begun)] = { ...begun, result: resumed[2] ?? '' };
      open.delete(pid);
      continue;
    }
    const whole = /^(\w+)\((.*)\) += (.*)$/.exec(rest);
    const begun = /^(\w+)\((.*)<unfinished \.\.\.>$/.exec(rest);
    const [, syscall = '', args = '', result = ''] = whole ?? begun ?? [];
    if (syscall === '') continue;
    const call = { atMs, syscall, args, result };
    calls.push(call);
    if (begun) open.set(pid, call);
  }
  return calls;
}

/** The first path of a call, below the folder; null when it is elsewhere, or of no interest. */
function pathIn(args: string, stateDir: string): string | null {
  const found = /^(?:\d+<([^>]*)>|(?:AT_FDCWD[^,]*, )?"([^"]*)")/.exec(args);
  const path = found?.[1] ?? found?.[2] ?? '';
  if (path !== stateDir && !path.startsWith(`${stateDir}/`)) return null;
  const below = path.slice(stateDir.length + 1);
  // Shared memory of the databases and sockets mean nothing to the next start.
  return /^run(\/|$)|-shm$/.test(below) ? null : below;
}
