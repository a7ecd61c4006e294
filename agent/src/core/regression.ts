import { lookUpCode } from '@ringfleet/shared/errors';

const MAX_EXITS = 3;
const WINDOW_MS = 10 * 60_000;

/** True when a committed release's process died by itself too often: the device goes back to the release before it. */
export function isRegression(exitsMs: readonly number[], nowMs: number): boolean {
  return exitsMs.filter((atMs) => nowMs - atMs < WINDOW_MS).length >= MAX_EXITS;
}

/** A release that fails for the device's reasons, such as rotten files, is not blamed for them. */
export function regressionCode(exitCode: string): string {
  const isItsOwn = (lookUpCode(exitCode)?.class ?? 'RELEASE') === 'RELEASE';
  return isItsOwn ? 'RELEASE_REGRESSED' : exitCode;
}
