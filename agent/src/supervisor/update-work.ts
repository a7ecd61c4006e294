import { CodedError } from '@ringfleet/shared/errors';
import { loosenedLimit } from '@ringfleet/shared/release';
import type { Logger } from 'pino';
import { checkConstraints, type DeviceFacts } from '../core/constraints.ts';
import { troubleCode } from '../core/trouble-code.ts';
import type { CandidateWork, LoadedWork, Work } from '../core/update-effects.ts';
import type { UpdateEvent } from '../core/update-machine.ts';
import { type Baseline, type Job, keyOf } from '../core/update-state.ts';
import type { Router } from '../ports/router.ts';
import type { Runner, RunnerExit } from '../ports/runtime.ts';
import type { Slots } from '../ports/slots.ts';
import type { TrustStore } from '../ports/trust-store.ts';
import { type PermissionOptions, untilPermitted } from './await-permission.ts';
import type { DiskWatch } from './disk-watch.ts';
import { loadCandidate } from './load-candidate.ts';
import { onceWritable } from './once-writable.ts';
import { prove } from './prove.ts';
import type { ReleaseFetcher } from './release-fetcher.ts';
import type { RunnerKeeper } from './runner-keeper.ts';
import { NO_ROOM, shadow } from './shadow.ts';
import { soak } from './soak.ts';
import { within } from './within.ts';

export interface UpdateWorkOptions extends PermissionOptions {
  readonly model: string;
  readonly keeper: RunnerKeeper;
  readonly fetcher: ReleaseFetcher;
  readonly slots: Slots;
  readonly router: Router;
  readonly log: Logger;
  readonly disk: DiskWatch;
  readonly facts: () => Promise<DeviceFacts>;
  readonly trust: Pick<TrustStore, 'confirm'>;
  /** Called just before the router is switched, so that the old release's last answers are reported as its own. */
  readonly beforeSwitch: () => Promise<void>;
  /** Of the runner that answers; of the one that answered last where it had to go for its successor. */
  readonly baselineOf: (runner: Runner | null) => Promise<Baseline | null>;
  readonly trialExit: () => RunnerExit | null;
  readonly memoryFreeBytes: () => number;
  /** Gives back what no release of any model needs. */
  readonly collectGarbage: () => Promise<void>;
}

/** Does one piece of work and answers with the event it leads to; null when nothing follows or it was aborted. */
export async function doWork(
  work: Work,
  options: UpdateWorkOptions,
  signal: AbortSignal,
): Promise<UpdateEvent | null> {
  try {
    const around = { ...options, what: `update of ${options.model}` };
    return await onceWritable(() => inTime(work, options, signal), around, signal);
  } catch (err) {
    if (signal.aborted) return null;
    if (!('job' in work)) throw err;
    const code = troubleCode(err);
    const reason = err instanceof Error ? err.message : String(err);
    options.log.warn(
      { component: 'update', model: options.model, work: work.type, code, err },
      'update step failed',
    );
    return { type: 'failed', key: keyOf(work.job), code, reason, nowMs: options.clock.nowMs() };
  }
}

/** Steps that wait for nobody but this machine; far more than any of them needs. */
const STEP_LIMIT_MS: Partial<Record<Work['type'], number>> = {
  verify: 3_600_000,
  activate: 600_000,
};

async function inTime(
  work: Work,
  options: UpdateWorkOptions,
  signal: AbortSignal,
): Promise<UpdateEvent | null> {
  const limitMs = STEP_LIMIT_MS[work.type];
  if (limitMs === undefined) return step(work, options, signal);
  // What puts files in place is waited for: they would come after the tidying that follows.
  const isWaitedFor = work.type === 'verify';
  return within({ limitMs, what: work.type, clock: options.clock, isWaitedFor }, signal, (inner) =>
    step(work, options, inner),
  );
}

async function step(
  work: Work,
  options: UpdateWorkOptions,
  signal: AbortSignal,
): Promise<UpdateEvent | null> {
  switch (work.type) {
    case 'check':
      return check(work, options, signal);
    case 'download':
      return download(work, options, signal);
    case 'verify':
      return verify(work, options, signal);
    case 'preflight':
      return prove(work, options, signal);
    case 'awaitWindow':
      return confirmed(await awaitWindow(work, options, signal), work, options);
    case 'shadow':
      return confirmed(await shadow(work, options, signal), work, options);
    case 'activate':
      return activate(work, options, signal);
    case 'soak':
      return soak(
        work,
        { ...options, runner: () => options.keeper.runnerOf(work.candidate.digest), exit: options.trialExit },
        signal,
      );
    case 'finishRollBack':
      return finishRollBack(options, signal);
    case 'remove':
      return remove(options, signal);
    case 'tidy':
      return tidy(options, signal);
    default:
      return work satisfies never;
  }
}

async function check(
  { job, installed, committed }: Extract<Work, { type: 'check' }>,
  options: UpdateWorkOptions,
  signal: AbortSignal,
): Promise<UpdateEvent> {
  const { model, fetcher, clock } = options;
  const key = keyOf(job);
  await untilPermitted('start', job, options, signal);
  if (installed.some((one) => one.version === job.version && one.digest !== job.digest)) {
    throw new CodedError('RELEASE_VERSION_REUSED', `${model} ${job.version} is installed with other bytes`);
  }
  const manifest = await fetcher.manifest(job.digest, job.manifestBytes, signal, job);
  if (manifest.model !== model || manifest.version !== job.version) {
    const found = `${manifest.model} ${manifest.version}`;
    throw new CodedError(
      'MANIFEST_MISMATCH',
      `the manifest is of ${found}, assigned is ${model} ${job.version}`,
    );
  }
  const loosened = loosenedLimit(manifest.limits, job.limits);
  if (loosened) {
    const [assigned, signed] = [job.limits?.[loosened], manifest.limits[loosened]];
    throw new CodedError('LIMITS_LOOSENED', `${loosened} is assigned as ${assigned}, signed as ${signed}`);
  }
  const result = checkConstraints(manifest, job.variants, await options.facts(), committed);
  if (!result.ok)
    return { type: 'failed', key, code: result.code, reason: result.sentence, nowMs: clock.nowMs() };
  return { type: 'accepted', key, variant: result.variant, nowMs: clock.nowMs() };
}

async function download(
  { job, candidate }: CandidateWork,
  options: UpdateWorkOptions,
  signal: AbortSignal,
): Promise<UpdateEvent> {
  const manifest = await options.fetcher.manifest(job.digest, job.manifestBytes, signal, job);
  await options.fetcher.files(manifest, candidate.variant, signal, job);
  return { type: 'downloaded', key: keyOf(job), nowMs: options.clock.nowMs() };
}

async function verify(
  { job, candidate }: CandidateWork,
  options: UpdateWorkOptions,
  signal: AbortSignal,
): Promise<UpdateEvent> {
  const { model, fetcher, slots, clock } = options;
  const done: UpdateEvent = { type: 'verified', key: keyOf(job), nowMs: clock.nowMs() };
  try {
    await slots.install(model, candidate);
    await slots.verify(model, candidate);
    return done;
  } catch (err) {
    if (signal.aborted) throw err;
    // A blob of an earlier download may be missing or may have rotted: fetch such bytes once more.
    options.log.warn(
      { component: 'update', model, err },
      'installed files are not right, fetching them again',
    );
  }
  const manifest = await fetcher.manifest(job.digest, job.manifestBytes, signal);
  await fetcher.scrub(manifest, candidate.variant);
  await fetcher.files(manifest, candidate.variant, signal, job);
  await slots.install(model, candidate);
  await slots.verify(model, candidate);
  return done;
}

/** With a shadow asked for, it comes first and waits for the window itself. */
async function awaitWindow(
  { job, candidate }: CandidateWork,
  options: UpdateWorkOptions,
  signal: AbortSignal,
): Promise<UpdateEvent> {
  const { keeper, clock } = options;
  const key = keyOf(job);
  const isAsked = (options.job() ?? job).shadow !== undefined;
  const hasNoRoom = keeper.isAlone(candidate);
  if (isAsked && !hasNoRoom && keeper.routedRunner())
    return { type: 'shadowStarted', key, nowMs: clock.nowMs() };
  await untilPermitted('activate', job, options, signal);
  const evidence = isAsked && hasNoRoom ? { evidence: NO_ROOM } : {};
  return { type: 'windowOpened', key, nowMs: clock.nowMs(), ...evidence };
}

/** The last look before the point of no return: it may have waited for days. */
async function confirmed(
  event: UpdateEvent | null,
  { job }: { readonly job: Job },
  { trust, model }: UpdateWorkOptions,
): Promise<UpdateEvent | null> {
  if (event?.type === 'windowOpened') await trust.confirm({ model, digest: job.digest });
  return event;
}

async function activate(
  { job, candidate, active }: LoadedWork,
  options: UpdateWorkOptions,
  signal: AbortSignal,
): Promise<UpdateEvent> {
  const { keeper, router, clock, model } = options;
  const key = keyOf(job);
  const runner = await loadCandidate(candidate, active, 'alone', options, signal);
  const before = keeper.routedRunner();
  const baseline = await options.baselineOf(before);
  await options.beforeSwitch();
  if (signal.aborted) throw new CodedError('ABORTED');
  router.route(model, runner, before ?? undefined);
  return { type: 'activated', key, baseline, nowMs: clock.nowMs() };
}

async function finishRollBack(options: UpdateWorkOptions, signal: AbortSignal): Promise<UpdateEvent | null> {
  await options.keeper.untilServing(signal);
  return signal.aborted ? null : { type: 'rolledBack', nowMs: options.clock.nowMs() };
}

async function remove(options: UpdateWorkOptions, signal: AbortSignal): Promise<UpdateEvent | null> {
  await options.keeper.idle(signal);
  if (signal.aborted) return null;
  await options.slots.keepOnly(options.model, () => []);
  return { type: 'removed', nowMs: options.clock.nowMs() };
}

async function tidy(options: UpdateWorkOptions, signal: AbortSignal): Promise<null> {
  await options.keeper.idle(signal);
  if (!signal.aborted) await options.collectGarbage();
  return null;
}
