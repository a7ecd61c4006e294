/** How fast a runner answers requests, from those that it has answered. */
export interface RunnerPace {
  readonly answers: number;
  /** Of one request, smoothed; infinite before the first answer. */
  readonly tookMs: number;
}

export const UNKNOWN_PACE: RunnerPace = { answers: 0, tookMs: Number.POSITIVE_INFINITY };

const SMOOTHED_OVER = 16;
/** More than so many times the usual is the machine that stood still, and says little of the model. */
const OUTLIER = 8;

/** Two at least, so that the runner finds the next request when it is done. */
const FLIGHTS = { min: 2, max: 8 };
/** No more is sent ahead than the runner does in this time: it would only hide the queue and its priorities. */
const AHEAD_MS = 1;

/** A queue is as long as what is worked off in `worthMs`: a machine that stands still for less costs nobody an answer. */
const ROOM = { min: 64, max: 1_024, worthMs: 500 };
/** Larger requests have `ROOM.min` places, however fast the model is: they take memory while they wait. */
const SMALL_BYTES = 16 * 1024;

/** The pace after one more answer, which took the runner `tookMs`. */
export function paceAfter({ answers, tookMs: usualMs }: RunnerPace, tookMs: number): RunnerPace {
  if (answers === 0) return { answers: 1, tookMs };
  const judgedMs = Math.min(tookMs, OUTLIER * usualMs);
  const weight = 1 / Math.min(answers + 1, SMOOTHED_OVER);
  return { answers: answers + 1, tookMs: usualMs + (judgedMs - usualMs) * weight };
}

/** How many commands may be with the runner at a time. */
export const flightsAt = ({ tookMs }: RunnerPace): number =>
  Math.min(FLIGHTS.max, Math.max(FLIGHTS.min, Math.floor(AHEAD_MS / tookMs)));

/** How many requests may wait when one of `bodyBytes` comes. */
export function roomAt({ tookMs }: RunnerPace, bodyBytes: number): number {
  if (bodyBytes > SMALL_BYTES) return ROOM.min;
  return Math.min(ROOM.max, Math.max(ROOM.min, Math.floor(ROOM.worthMs / tookMs)));
}
