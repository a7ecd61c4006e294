import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 20;

/** Waits for a condition of another process; throws with what was waited for, and the detail, at the deadline. */
export async function untilTrue(
  what: string,
  check: () => Promise<boolean>,
  { limitMs, detail = () => '' }: { readonly limitMs: number; readonly detail?: () => string },
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain: ${what}. ${detail()}`);
    await sleep(LOOK_MS);
  }
}
