/** One thread of a runner as the kernel accounts for it. Times grow only. */
export interface ThreadTimes {
  readonly id: number;
  /** Time on a processor, milliseconds. */
  readonly ranMs: number;
  /** Time it was ready to run and no processor was free, milliseconds. */
  readonly waitedMs: number;
  /** `blocked` waits for a disk or for memory to come back, `stopped` for a signal or a debugger. */
  readonly state: 'ready' | 'asleep' | 'blocked' | 'stopped';
}

/** What is seen of a runner at one moment. */
export interface ExecutionLook {
  /** Monotonic clock, milliseconds. */
  readonly atMs: number;
  /** Undefined where the system does not say. */
  readonly threads?: readonly ThreadTimes[];
  /** The runner's control group is frozen. */
  readonly isFrozen?: boolean;
  /** Processors of the machine. */
  readonly cores: number;
}

/** One execution under its limit; begun by `beginExecution`. */
export interface WatchedExecution {
  readonly limitMs: number;
  /** Time that counts against the limit. */
  readonly chargedMs: number;
  /** Time that passed while the agent itself could look. */
  readonly seenMs: number;
  /** Time in which a signal or a debugger had stopped the runner. */
  readonly stoppedMs: number;
  /** When the next look is due, on the look's clock. */
  readonly dueMs: number;
  readonly last: Pick<ExecutionLook, 'atMs' | 'threads'>;
}

/** However long the runner was held up: this is the end, so that whoever waits is answered by another release. */
export const hardBoundMs = (limitMs: number): number => Math.max(10 * limitMs, 5_000);
/** So long a runner may be stopped in one execution without being charged for it: only a person does that, and looks after it. */
export const STOPPED_MS = 5_000;
/** A look that comes later than this shows that the agent did not run either. */
const LATE_MS = 5;
const FIRST_LOOK = 1 / 4;
const LATER_LOOKS = 1 / 10;
const LOOK_MS = { min: 5, max: 1_000 };
/** A thread that wanted less of a stretch than this does not carry the execution. */
const BUSY_SHARE = 0.1;

/** An execution that begins at `atMs`. Nothing is read yet: most are over before the first look. */
export function beginExecution(limitMs: number, atMs: number): WatchedExecution {
  return {
    limitMs,
    chargedMs: 0,
    seenMs: 0,
    stoppedMs: 0,
    dueMs: atMs + Math.max(1, limitMs * FIRST_LOOK),
    last: { atMs },
  };
}

/**
 * Whether an execution is over its limit. What counts is the time in which the runner could go on: time that it waited
 * for a processor or a disk, or stood still with the machine, does not, so that a stalled machine is not taken for a
 * hung model. A runner that sleeps without such a reason is charged, and so is every moment that it computed.
 */
export function judgeExecution(
  before: WatchedExecution,
  look: ExecutionLook,
): { readonly isOver: boolean; readonly execution: WatchedExecution } {
  const { limitMs, last } = before;
  const stretchMs = Math.max(0, look.atMs - last.atMs);
  const lateMs = Math.max(0, look.atMs - before.dueMs - LATE_MS);
  const stoppedMs = before.stoppedMs + (isStopped(look) ? stretchMs : 0);
  const overstayedMs = Math.min(stretchMs, Math.max(0, stoppedMs - STOPPED_MS));
  const chargedMs =
    before.chargedMs + Math.max(overstayedMs, chargeOf(last.threads, look, stretchMs, lateMs));
  const seenMs = before.seenMs + Math.max(0, stretchMs - lateMs);
  const isOver = chargedMs >= limitMs || seenMs >= hardBoundMs(limitMs);
  const stepMs = Math.min(LOOK_MS.max, limitMs * LATER_LOOKS, limitMs - chargedMs);
  const dueMs = look.atMs + Math.max(LOOK_MS.min, stepMs);
  return { isOver, execution: { limitMs, chargedMs, seenMs, stoppedMs, dueMs, last: look } };
}

const isStopped = ({ threads = [] }: ExecutionLook): boolean =>
  threads.some(({ state }) => state === 'stopped');

function chargeOf(
  before: readonly ThreadTimes[] | undefined,
  look: ExecutionLook,
  stretchMs: number,
  lateMs: number,
): number {
  const computedMs = Math.min(stretchMs, computedIn(before, look, stretchMs));
  const hinderedMs = Math.max(lateMs, hindrance(before, look, stretchMs));
  return Math.max(computedMs, stretchMs - hinderedMs);
}

/** How long the runner was held up in a stretch, as far as the system says. */
function hindrance(
  before: readonly ThreadTimes[] | undefined,
  look: ExecutionLook,
  stretchMs: number,
): number {
  const { threads = [], isFrozen } = look;
  if (isFrozen || isStopped(look) || threads.some(({ state }) => state === 'blocked')) return stretchMs;
  if (!before) return 0;
  let longestMs = 0;
  for (const thread of threads) {
    const { ranMs, waitedMs } = spent(before, thread);
    // The kernel notes a wait when it ends; one that goes on now shows as a thread that is ready and did not run.
    const openMs = thread.state === 'ready' ? stretchMs - ranMs - waitedMs : 0;
    longestMs = Math.max(longestMs, Math.min(waitedMs + Math.max(0, openMs), stretchMs));
  }
  return longestMs;
}

/** How long the runner had the processors it wanted: threads that crowd each other out do not hinder themselves. */
function computedIn(
  before: readonly ThreadTimes[] | undefined,
  { threads = [], cores }: ExecutionLook,
  stretchMs: number,
): number {
  if (!before) return 0;
  const each = threads.map((thread) => spent(before, thread));
  const busy = each.filter(({ ranMs, waitedMs }) => ranMs + waitedMs > BUSY_SHARE * stretchMs);
  const width = Math.max(1, Math.min(cores, busy.length));
  const totalMs = busy.reduce((sum, { ranMs }) => sum + ranMs, 0);
  return Math.max(totalMs / width, ...each.map(({ ranMs }) => ranMs));
}

function spent(before: readonly ThreadTimes[], now: ThreadTimes): { ranMs: number; waitedMs: number } {
  const was = before.find(({ id }) => id === now.id);
  return {
    ranMs: Math.max(0, now.ranMs - (was?.ranMs ?? 0)),
    waitedMs: Math.max(0, now.waitedMs - (was?.waitedMs ?? 0)),
  };
}
