import { CodedError } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import { isRegression, regressionCode } from '../core/regression.ts';
import { effectsOf, provenOnly, type Wanted, withStandby } from '../core/update-effects.ts';
import { type LastEnd, next, type UpdateEvent } from '../core/update-machine.ts';
import type { Report } from '../core/update-reports.ts';
import { type Installed, isBusy, keyOf, type UpdateState } from '../core/update-state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Journal } from '../ports/journal.ts';
import type { RunnerExit } from '../ports/runtime.ts';
import type { RunnerKeeper } from './runner-keeper.ts';
import { doWork, type UpdateWorkOptions } from './update-work.ts';

const SAVE_RETRY_MS = 2_000;
const MAX_REPORTED_EXITS = 8;

export interface ModelSupervisorOptions {
  readonly initial: UpdateState;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Logger;
  /** The release before the committed one stays loaded, as the site asks for it. */
  readonly keepsPrevious: boolean;
  readonly makeKeeper: (onExit: (release: Installed, exit: RunnerExit) => void) => RunnerKeeper;
  readonly work: Omit<UpdateWorkOptions, 'keeper' | 'trialExit' | 'nudged' | 'job' | 'say'>;
  /** After a transition was saved. */
  readonly onTransition: (state: UpdateState, reports: readonly Report[]) => void;
}

/** Runs one model's update machine: one event at a time, first saved, then acted upon. */
export class ModelSupervisor {
  readonly keeper: RunnerKeeper;
  readonly #options: ModelSupervisorOptions;
  readonly #stopping = new AbortController();
  #state: UpdateState;
  #queue: Promise<void> = Promise.resolve();
  #work: { readonly abort: AbortController; readonly done: Promise<void> } | null = null;
  #trialExit: RunnerExit | null = null;
  /** When runners of a release died by themselves, by digest. */
  readonly #exitsMs = new Map<string, readonly number[]>();
  /** The release whose runner did not start while one of the release before it did. */
  #startedBeside: string | null = null;
  #nudge: () => void = () => undefined;

  constructor(options: ModelSupervisorOptions) {
    this.#options = options;
    this.#state = options.initial;
    this.keeper = options.makeKeeper((release, exit) => this.#onExit(release, exit));
  }

  get state(): UpdateState {
    return this.#state;
  }

  /** Takes up the saved state after a start: the same effects as on entering it. */
  resume(lastEnd: LastEnd): Promise<void> {
    const booted: UpdateEvent = { type: 'booted', lastEnd, nowMs: this.#options.clock.nowMs() };
    // A disk that takes nothing may hold up the save for hours; what is proven answers meanwhile.
    this.keeper.want(provenOnly(this.#state));
    return this.#enqueue(async () => {
      await this.#take(booted, false);
      this.#enter();
    });
  }

  dispatch(event: UpdateEvent): Promise<void> {
    return this.#enqueue(() => this.#take(event, true));
  }

  /** Something that a waiting state looks at has changed: a hold, the terms. */
  nudge(): void {
    this.#nudge();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#work?.abort.abort();
    this.#nudge();
    await Promise.all([this.#work?.done, this.keeper.stop()]);
    await this.#queue;
  }

  #enqueue(job: () => Promise<void>): Promise<void> {
    const run = this.#queue.then(() => (this.#stopping.signal.aborted ? undefined : job()));
    this.#queue = run.catch((err: unknown) => {
      this.#options.log.error({ err, component: 'update', model: this.#state.model }, 'transition failed');
    });
    return this.#queue;
  }

  async #take(event: UpdateEvent, isRunning: boolean): Promise<void> {
    const before = this.#state;
    const { state, reports, floor } = next(before, event);
    if (state === before) return;
    await this.#save(state, reports, floor, event.nowMs);
    if (this.#stopping.signal.aborted) return;
    this.#state = state;
    const { log } = this.#options;
    if (state.phase !== before.phase) {
      const release = isBusy(state) ? state.job.version : state.committed?.version;
      const code = 'code' in event ? event.code : undefined;
      const reason = 'reason' in event ? event.reason : undefined;
      const fields = {
        component: 'update',
        model: state.model,
        release,
        from: before.phase,
        to: state.phase,
        code,
        reason,
      };
      log.info(fields, 'update state');
    }
    const isOther = state.phase !== before.phase || nameOf(state) !== nameOf(before);
    if (isRunning && isOther) this.#enter();
    else if (isRunning) {
      // The same work under other terms, or waiting: who is loaded may change, what is done does not.
      this.keeper.want(this.#serve());
      if (event.type === 'assigned') this.#nudge();
    }
    this.#options.onTransition(state, reports);
  }

  /** Nothing may happen that is not on disk: a full disk holds the machine, not the answers. */
  async #save(
    state: UpdateState,
    reports: readonly Report[],
    floor: number | undefined,
    atMs: number,
  ): Promise<void> {
    const { journal, clock, log, work } = this.#options;
    const what = `state of ${state.model}`;
    const change = {
      atMs,
      state,
      reports,
      ...(floor === undefined ? {} : { floor: { model: state.model, floor } }),
    };
    while (!this.#stopping.signal.aborted) {
      try {
        await journal.save(change);
        work.disk.worked(what);
        return;
      } catch (err) {
        work.disk.failed(what, err);
        log.error({ err, component: 'update', model: state.model }, 'state cannot be saved');
        await clock.sleep(SAVE_RETRY_MS, this.#stopping.signal);
      }
    }
  }

  #enter(): void {
    const { work } = effectsOf(this.#state);
    if (this.#state.phase === 'preflight') this.#trialExit = null;
    const before = this.#work;
    before?.abort.abort();
    this.keeper.want(this.#serve());
    const abort = new AbortController();
    const options: UpdateWorkOptions = {
      ...this.#options.work,
      keeper: this.keeper,
      trialExit: () => this.#trialExit,
      nudged: (ms, signal) => this.#nudged(ms, signal),
      job: () => (isBusy(this.#state) ? this.#state.job : null),
      say: (event) => void this.dispatch(event),
    };
    const done = (async () => {
      // Two pieces of work of one model never overlap.
      await before?.done;
      if (abort.signal.aborted) return;
      const event = await doWork(work, options, abort.signal);
      if (event && !abort.signal.aborted) void this.dispatch(event);
    })().catch((err: unknown) => {
      const code = err instanceof CodedError ? err.code : 'AGENT_INTERNAL';
      this.#options.log.error({ err, code, component: 'update', model: this.#state.model }, 'work failed');
    });
    this.#work = { abort, done };
  }

  #serve(): Wanted {
    const { serve } = effectsOf(this.#state);
    return this.#options.keepsPrevious ? withStandby(serve, this.#state) : serve;
  }

  #onExit(release: Installed, exit: RunnerExit): void {
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    const state = this.#state;
    this.#reportExit(release, exit, nowMs);
    const isTrial = state.phase === 'shadow' || state.phase === 'activating' || state.phase === 'soaking';
    if (isTrial && state.candidate.digest === release.digest) {
      this.#trialExit = exit;
      this.#nudge();
      return;
    }
    const exitsMs = [...(this.#exitsMs.get(release.digest) ?? []), nowMs].slice(-16);
    this.#exitsMs.set(release.digest, exitsMs);
    if (isRegression(exitsMs, nowMs)) void this.#onRegression(release, exit, exitsMs.length);
  }

  /** A process that never came up counts only where one of the release before it does: else the machine is at fault. */
  async #onRegression(release: Installed, exit: RunnerExit, exits: number): Promise<void> {
    const isUnclear = exit.reason === 'startFailed' && exit.code === 'RUNNER_START_FAILED';
    const { previous } = this.#state;
    const { signal } = this.#stopping;
    if (isUnclear) {
      const doesStart = previous !== null && (await this.keeper.starts(previous, signal));
      // The machine may have recovered between the two: only a failure after that counts.
      const didStart = this.#startedBeside === release.digest;
      this.#startedBeside = doesStart ? release.digest : null;
      if (!doesStart || !didStart) return;
    }
    const state = this.#state;
    const nowMs = this.#options.clock.nowMs();
    const message = exit.message.slice(0, 900);
    const reason = `${release.version} ended ${exits} times, at last: ${message}`;
    const code = regressionCode(exit.code);
    if (state.phase === 'rollingBack' && state.previous.digest === release.digest) {
      void this.dispatch({ type: 'rollBackFailed', code, reason, nowMs });
    } else if (state.committed?.digest === release.digest) {
      void this.dispatch({ type: 'regressed', digest: release.digest, code, reason, nowMs });
    }
  }

  #reportExit(release: Installed, exit: RunnerExit, nowMs: number): void {
    // Events are never dropped, so a release that cannot start for days must not write one every minute.
    const before = this.#exitsMs.get(release.digest) ?? [];
    if (before.length >= MAX_REPORTED_EXITS && exit.reason === 'startFailed') return;
    const { journal, log } = this.#options;
    const state = this.#state;
    const report: Report = {
      stream: 'event',
      body: {
        kind: 'runnerExit',
        severity: 'error',
        code: exit.code,
        message: exit.message.slice(0, 1000),
        model: state.model,
        version: release.version,
      },
    };
    journal.save({ atMs: nowMs, reports: [report] }).then(
      () => this.#options.onTransition(this.#state, [report]),
      (err: unknown) => log.error({ err, component: 'update' }, 'event cannot be saved'),
    );
  }

  async #nudged(ms: number, signal: AbortSignal): Promise<void> {
    const abort = new AbortController();
    this.#nudge = () => abort.abort();
    await this.#options.clock.sleep(ms, AbortSignal.any([signal, abort.signal]));
  }
}

/** What the work of a state is about: another name means other work. */
function nameOf(state: UpdateState): string {
  return isBusy(state) ? keyOf(state.job) : state.phase === 'empty' ? String(state.isAssigned) : '';
}
