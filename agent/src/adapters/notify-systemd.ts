import type { Watchdog } from '../ports/watchdog.ts';
import type { SendDatagram } from './unix-datagram.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** systemd shows one line. */
const MAX_STATUS_CHARACTERS = 200;

/** The socket at which systemd listens for this process, or undefined. */
export const notifySocketOf = (env: Environment): string | undefined => env['NOTIFY_SOCKET'] || undefined;

/** sd_notify(3): readiness, status line and watchdog of a `Type=notify` service. */
export function createSystemdWatchdog(env: Environment, pid: number, send: SendDatagram | null): Watchdog {
  const socket = notifySocketOf(env);
  const tell = (lines: string): void => {
    // Lost when systemd's queue is full: the next ping or status says the same.
    if (socket && send) send(socket, lines);
  };
  return {
    limitMs: socket && send ? limitOf(env, pid) : null,
    ready: () => tell('READY=1'),
    say: (status) => tell(`STATUS=${status.replaceAll('\n', ' ').slice(0, MAX_STATUS_CHARACTERS)}`),
    ping: () => tell('WATCHDOG=1'),
    stopping: () => tell('STOPPING=1'),
  };
}

function limitOf(env: Environment, pid: number): number | null {
  // The variables are inherited: they may be meant for a parent.
  if (env['WATCHDOG_PID'] !== undefined && Number(env['WATCHDOG_PID']) !== pid) return null;
  const microseconds = Number(env['WATCHDOG_USEC']);
  return Number.isFinite(microseconds) && microseconds > 0 ? microseconds / 1_000 : null;
}
