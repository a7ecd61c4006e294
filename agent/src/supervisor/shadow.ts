import { CodedError } from '@ringfleet/shared/errors';
import type { ShadowEvidence, ShadowTerms } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';
import { judgeShadow, type ShadowVerdict } from '../core/shadow.ts';
import type { Work } from '../core/update-effects.ts';
import type { Evidence, UpdateEvent } from '../core/update-machine.ts';
import { type Installed, keyOf } from '../core/update-state.ts';
import type { Router } from '../ports/router.ts';
import type { Runner, RunnerExit } from '../ports/runtime.ts';
import { type PermissionOptions, untilPermitted } from './await-permission.ts';
import { loadCandidate } from './load-candidate.ts';
import type { RunnerKeeper } from './runner-keeper.ts';
import { medianUs, ShadowWatch } from './shadow-watch.ts';

const LOOK_MS = 500;
/** Below this the two releases do not fit side by side. */
const MIN_FREE_BYTES = 64 * 1024 * 1024;
/** So often the active release may fail to start before the candidate goes on without it. */
const HOPELESS_STARTS = 3;
const DONE = 'nothing more is asked of it';

export interface ShadowOptions extends PermissionOptions {
  readonly model: string;
  readonly keeper: RunnerKeeper;
  readonly log: Logger;
  readonly router: Router;
  /** Of the whole device, now. */
  readonly memoryFreeBytes: () => number;
  /** How the candidate's runner ended, once it did. */
  readonly trialExit: () => RunnerExit | null;
}

/**
 * Lets the candidate see live requests beside the active release until there is a verdict, then waits for its window.
 * Null when aborted.
 */
export async function shadow(
  work: Extract<Work, { type: 'shadow' }>,
  options: ShadowOptions,
  signal: AbortSignal,
): Promise<UpdateEvent | null> {
  const { job } = work;
  const key = keyOf(job);
  const terms = (options.job() ?? job).shadow;
  let evidence: Evidence | undefined;
  if (terms) {
    const misfit = await untilComparable(work.active, options, signal);
    const runner = await loadBeside(work, options, signal);
    const seen = runner && (await watch(runner, terms, work.sinceMs, misfit, options, signal));
    if (runner && !seen) return null;
    evidence = seen?.evidence ?? NO_ROOM;
    if (seen?.verdict.verdict === 'FAIL') {
      const { code, sentence: reason } = seen.verdict;
      return { type: 'failed', key, code, reason, evidence, nowMs: options.clock.nowMs() };
    }
  }
  await untilPermitted('activate', job, options, signal);
  if (signal.aborted) return null;
  return { type: 'windowOpened', key, nowMs: options.clock.nowMs(), ...(evidence ? { evidence } : {}) };
}

/** Null when the active release answers. One that cannot be loaded any more must not hold up what is to replace it. */
async function untilComparable(
  active: Installed | null,
  { keeper, nudged }: ShadowOptions,
  signal: AbortSignal,
): Promise<string | null> {
  while (active && keeper.routedRunner() === null && !signal.aborted) {
    if (keeper.failuresOf(active.digest) >= HOPELESS_STARTS)
      return `the active ${active.version} cannot be loaded: there is nothing to compare with`;
    await nudged(LOOK_MS, signal);
  }
  return null;
}

/** Null where there is no memory for it beside the one that answers. */
async function loadBeside(
  { candidate, active }: Extract<Work, { type: 'shadow' }>,
  options: ShadowOptions,
  signal: AbortSignal,
): Promise<Runner | null> {
  try {
    return await loadCandidate(candidate, active, 'beside', options, signal);
  } catch (err) {
    if (err instanceof CodedError && err.code === 'NO_ROOM_BESIDE') return null;
    throw err;
  }
}

/** Of a shadow that could not be. */
export const NO_ROOM: Evidence = {
  answers: 0,
  failures: 0,
  fallbacks: 0,
  soakedMs: 0,
  sentence: 'Nothing was compared: both releases do not fit into memory side by side.',
  shadow: {
    verdict: 'INCONCLUSIVE',
    compared: 0,
    agreed: 0,
    failures: 0,
    dropped: 0,
    distancePerMille: 0,
    latencyUs: 0,
    activeLatencyUs: 0,
    memoryBytes: 0,
    activeMemoryBytes: 0,
  },
};

type Final = Exclude<ShadowVerdict, { verdict: 'continue' }>;

async function watch(
  runner: Runner,
  terms: ShadowTerms,
  sinceMs: number,
  incomparable: string | null,
  options: ShadowOptions,
  signal: AbortSignal,
): Promise<{ readonly verdict: Final; readonly evidence: Evidence } | null> {
  const { router, model, clock } = options;
  const over = new AbortController();
  const watch = new ShadowWatch(
    runner,
    terms.samplePerMille,
    () => clock.random(),
    AbortSignal.any([signal, over.signal]),
  );
  router.mirror(model, watch.take);
  try {
    while (!signal.aborted) {
      const { compared, agreed, failures } = watch;
      const seenMs = Math.max(0, clock.nowMs() - sinceMs);
      const misfit = incomparable ?? misfitOf(watch, options);
      const verdict = judgeShadow(
        { seenMs, compared, agreed, failures, exit: options.trialExit(), misfit },
        terms,
      );
      if (verdict.verdict !== 'continue') {
        return { verdict, evidence: await evidenceOf(watch, runner, verdict, seenMs, options) };
      }
      await options.nudged(LOOK_MS, signal);
    }
    return null;
  } finally {
    router.mirror(model, null);
    over.abort(DONE);
  }
}

function misfitOf(
  { compared, incomparable }: ShadowWatch,
  { memoryFreeBytes }: ShadowOptions,
): string | null {
  const free = memoryFreeBytes();
  if (free < MIN_FREE_BYTES)
    return `both releases do not fit into memory side by side: ${free} bytes are free`;
  return compared === 0 ? incomparable : null;
}

async function evidenceOf(
  watch: ShadowWatch,
  runner: Runner,
  { verdict, sentence }: Final,
  soakedMs: number,
  { keeper }: ShadowOptions,
): Promise<Evidence> {
  const { compared, agreed, failures, dropped, distanceSum } = watch;
  const memoryOf = async (one: Runner | null): Promise<number> =>
    (await one?.counts().catch(() => null))?.rssBytes ?? 0;
  const seen: ShadowEvidence = {
    verdict,
    compared,
    agreed,
    failures,
    dropped,
    distancePerMille: compared === 0 ? 0 : Math.round((1000 * distanceSum) / compared),
    latencyUs: medianUs(watch.latencyUs),
    activeLatencyUs: medianUs(watch.activeLatencyUs),
    memoryBytes: await memoryOf(runner),
    activeMemoryBytes: await memoryOf(keeper.routedRunner()),
  };
  return { answers: 0, failures, fallbacks: 0, soakedMs, sentence: sentence.slice(0, 1000), shadow: seen };
}
