import { CodedError } from '@ringfleet/shared/errors';
import type { LoadedWork } from '../core/update-effects.ts';
import type { UpdateEvent } from '../core/update-machine.ts';
import { type Installed, type Job, keyOf } from '../core/update-state.ts';
import type { Runner } from '../ports/runtime.ts';
import type { Slots } from '../ports/slots.ts';
import { type PermissionOptions, untilPermitted } from './await-permission.ts';
import { type LoadCandidateOptions, loadCandidate } from './load-candidate.ts';
import { type ActiveRelease, preflight } from './preflight.ts';
import { within } from './within.ts';

/** Of loading and of the samples, each; waiting for a window is not counted. */
const LIMIT_MS = 3_600_000;

export interface ProveOptions extends PermissionOptions, LoadCandidateOptions {
  readonly model: string;
  readonly slots: Slots;
}

/** Loads a candidate and proves it on its samples and those of the active release, before it answers anybody. */
export async function prove(
  { job, candidate, active }: LoadedWork,
  options: ProveOptions,
  signal: AbortSignal,
): Promise<UpdateEvent> {
  const { clock, log, model } = options;
  const key = keyOf(job);
  const runner = await loadForProof(candidate, active, job, options, signal);
  try {
    const result = await within({ limitMs: LIMIT_MS, what: 'preflight', clock }, signal, async (inner) =>
      preflight(runner, await activeRelease(active, options), inner),
    );
    if (!result.ok)
      return { type: 'failed', key, code: result.code, reason: result.sentence, nowMs: clock.nowMs() };
    log.info(
      { component: 'update', model, release: job.version, sentence: result.sentence },
      'preflight passed',
    );
    return { type: 'preflightPassed', key, nowMs: clock.nowMs() };
  } catch (err) {
    if (signal.aborted || !(err instanceof CodedError) || err.code !== 'RUNNER_GONE') throw err;
    // Why it went says more than that it went.
    const exit = await runner.exited;
    return { type: 'failed', key, code: exit.code, reason: exit.message, nowMs: clock.nowMs() };
  }
}

/** Where two runners do not fit, the active one has to go for the proof: not before the device may be interrupted. */
async function loadForProof(
  candidate: Installed,
  active: Installed | null,
  job: Job,
  options: ProveOptions,
  signal: AbortSignal,
): Promise<Runner> {
  const load = (how: 'beside' | 'alone'): Promise<Runner> =>
    within({ limitMs: LIMIT_MS, what: 'preflight', clock: options.clock }, signal, (inner) =>
      loadCandidate(candidate, active, how, options, inner),
    );
  try {
    return await load('beside');
  } catch (err) {
    if (signal.aborted || !(err instanceof CodedError) || err.code !== 'NO_ROOM_BESIDE') throw err;
  }
  if (active) await untilPermitted('activate', job, options, signal);
  if (signal.aborted) throw new CodedError('ABORTED');
  return load('alone');
}

async function activeRelease(active: Installed | null, options: ProveOptions): Promise<ActiveRelease | null> {
  if (!active) return null;
  const running = options.keeper.runnerOf(active.digest)?.spec;
  if (running) return running;
  try {
    const { dir, manifest } = await options.slots.verify(options.model, active);
    return { version: active.version, slotDir: dir, manifest };
  } catch (err) {
    if (!(err instanceof CodedError) || err.code !== 'SLOT_CORRUPT') throw err;
    // What rotted on this disk says nothing against the candidate, which may be all that can still answer.
    options.log.warn(
      { component: 'update', model: options.model, err },
      'active release cannot be compared with',
    );
    return null;
  }
}
