import { MONTHLY_DECISIONS } from './drift-thresholds.ts';
import { LARGEST_WINDOW } from './window-pyramid.ts';

const MONTH_MS = 2_629_800_000;
const REFILL_PER_MS = (MONTHLY_DECISIONS - LARGEST_WINDOW) / MONTH_MS;

/**
 * How many samples of a number may decide: the thresholds of alarms are made for 260 000 a month. The largest window's
 * worth at once, so that a shift after a start or a quiet time is found at once; then one in eleven seconds.
 */
export class DecisionBudget {
  #left = LARGEST_WINDOW;
  #lastMs: number | undefined;

  take(nowMs: number): boolean {
    const elapsedMs = Math.max(0, nowMs - (this.#lastMs ?? nowMs));
    this.#lastMs = nowMs;
    this.#left = Math.min(LARGEST_WINDOW, this.#left + elapsedMs * REFILL_PER_MS);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
