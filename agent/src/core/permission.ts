import type { MaintenanceWindow } from '@ringfleet/shared/protocol';
import type { Job, Waiting } from './update-state.ts';

/** Somebody at the device said that nothing is to change. */
export interface Hold {
  readonly reason: string;
  readonly sinceMs: number;
}

export interface PermissionQuestion {
  /** `start`: leave `offered`. `activate`: go live. Downloads are not bound to windows. */
  readonly step: 'start' | 'activate';
  readonly job: Pick<Job, 'version' | 'hold' | 'urgent' | 'window'>;
  readonly hold: Hold | null;
  /** The device's own windows; none means always. */
  readonly windows: readonly MaintenanceWindow[];
  readonly nowMs: number;
  /** The first time of the window's cron line after a moment; null when it never comes or cannot be read. */
  readonly nextStart: (window: MaintenanceWindow, afterMs: number) => number | null;
}

/** Why a step has to wait now; null when it may go on. */
export function whyWaiting(question: PermissionQuestion): Waiting | null {
  const { step, job, hold, windows } = question;
  if (hold) {
    const reason = `${job.version} waits: somebody at the device holds all updates (${hold.reason})`;
    return { code: 'HELD_AT_DEVICE', reason: reason.slice(0, 1000) };
  }
  if (job.hold)
    return { code: 'HELD_BY_SERVER', reason: `${job.version} waits: the fleet server holds this device` };
  // The way back to a good release waits for nobody's window.
  if (step === 'start' || job.urgent) return null;
  const ours = windows.length === 0 ? null : closedUntil(windows, question);
  const theirs = job.window ? closedUntil([job.window], question) : null;
  const closed = [ours, theirs].filter((one) => one !== null);
  if (closed.length === 0) return null;
  // Both must be open, so it is at least as long as the later one opens.
  const openings = closed.map((one) => one.untilMs).filter((one) => one !== undefined);
  const never = openings.length < closed.length;
  const untilMs = never ? undefined : Math.max(...openings);
  const which = [...(ours ? windows : []), ...(theirs && job.window ? [job.window] : [])];
  const lines = which.map((one) => `"${one.cron}" ${one.timeZone}`).join(', ');
  return {
    code: 'WINDOW_CLOSED',
    reason: `${job.version} is ready and waits for its maintenance window: ${lines}`.slice(0, 1000),
    ...(untilMs === undefined ? {} : { untilMs }),
  };
}

/** Null when one of the windows is open. A window that never opens fails closed. */
function closedUntil(
  windows: readonly MaintenanceWindow[],
  { nowMs, nextStart }: PermissionQuestion,
): { readonly untilMs?: number } | null {
  const starts: number[] = [];
  for (const window of windows) {
    const start = nextStart(window, nowMs - window.graceMs);
    if (start === null) continue;
    // Its first start after (now - grace) lies behind us: it has begun and is not over.
    if (start <= nowMs) return null;
    starts.push(start);
  }
  return starts.length === 0 ? {} : { untilMs: Math.min(...starts) };
}
