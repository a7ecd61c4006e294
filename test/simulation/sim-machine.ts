import {
  effectsOf as productionEffects,
  provenOnly,
  type Wanted,
} from '../../agent/src/core/update-effects.ts';
import type { LastEnd, UpdateEvent } from '../../agent/src/core/update-events.ts';
import { type Installed, isBusy, keyOf, type UpdateState } from '../../agent/src/core/update-state.ts';
import {
  alwaysServes,
  commitsOnlyWhatSoaked,
  holdsActiveAndPrevious,
  neverBelowTheFloor,
  noTryTwice,
  servesAWholeRelease,
  servesOldOrNew,
} from './device-invariants.ts';
import type { SimAgent } from './sim-agent.ts';
import { startWork } from './sim-work.ts';

const SAVE_RETRY_MS = 2_000;

/** One model's update machine at work, as the agent's ModelSupervisor runs it: one event at a time, saved, then acted upon. */
export class SimMachine {
  readonly agent: SimAgent;
  state: UpdateState;
  /** Digest of what answers requests. */
  routed: string | null = null;
  #wanted: Wanted;
  #wantedSinceMs: number;
  readonly #queue: UpdateEvent[] = [];
  #isPumping = false;
  #turn = 0;
  /** Digests of the runners that are up, and of those that are being started. */
  readonly #loaded = new Set<string>();
  readonly #loading = new Set<string>();

  constructor(agent: SimAgent, initial: UpdateState) {
    this.agent = agent;
    this.state = initial;
    this.#wanted = productionEffects(initial).serve;
    this.#wantedSinceMs = agent.trueMs;
  }

  get model(): string {
    return this.state.model;
  }

  resume(lastEnd: LastEnd): void {
    this.#want(provenOnly(this.state));
    this.#queue.push({ type: 'booted', lastEnd, nowMs: this.agent.nowMs });
    this.#pump();
  }

  dispatch(event: UpdateEvent): void {
    this.#queue.push(event);
    this.#pump();
  }

  /** Does something later, unless another state was entered or the process is gone by then. */
  later(delayMs: number, work: () => void): void {
    const turn = this.#turn;
    this.agent.later(delayMs, () => {
      if (turn === this.#turn) work();
    });
  }

  checkServing(): void {
    const { device, trueMs } = this.agent;
    const view = {
      device: device.id,
      nowMs: trueMs,
      state: this.state,
      shelf: device.shelf,
      routed: this.routed,
      wantedSinceMs: this.#wantedSinceMs,
      wanted: this.#wanted.active?.digest ?? null,
    };
    servesAWholeRelease(view);
    servesOldOrNew(view);
    alwaysServes(view);
    holdsActiveAndPrevious(device.id, this.state, device.shelf);
  }

  get isAtRest(): boolean {
    return this.#queue.length === 0 && (this.state.phase === 'idle' || this.state.phase === 'empty');
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let event = this.#queue[0]; event; event = this.#queue[0]) {
      const isBoot = event.type === 'booted';
      if (!this.#take(event, !isBoot)) {
        // Nothing may happen that is not on disk.
        this.agent.later(SAVE_RETRY_MS, () => {
          this.#isPumping = false;
          this.#pump();
        });
        return;
      }
      this.#queue.shift();
      if (isBoot) this.#enter();
    }
    this.#isPumping = false;
  }

  /** False while the disk takes nothing. */
  #take(event: UpdateEvent, isRunning: boolean): boolean {
    const { agent } = this;
    const before = this.state;
    const { state, reports, floor } = agent.world.production.next(before, event);
    if (state === before) return true;
    if (agent.device.isDiskFull) return false;
    agent.mayDie('device died before a save');
    const change = { atMs: event.nowMs, state, reports };
    agent.world.production.save(
      agent.journal,
      floor === undefined ? change : { ...change, floor: { model: state.model, floor } },
    );
    this.#noted(before, state, event);
    agent.mayDie('device died after a save');
    this.state = state;
    const isOther = state.phase !== before.phase || nameOf(state) !== nameOf(before);
    if (isRunning && isOther) this.#enter();
    else if (isRunning) this.#want(agent.world.production.effectsOf(state).serve);
    agent.onTransition(state);
    return true;
  }

  /** What an onlooker sees, with every invariant that a single transition can break. */
  #noted(before: UpdateState, state: UpdateState, event: UpdateEvent): void {
    const { device, world } = this.agent;
    if (state.phase !== before.phase) {
      const release = isBusy(state) ? state.job.version : state.committed?.version;
      const why = 'code' in event ? ` ${event.code}` : '';
      world.say(() => `${device.id} ${state.model} ${before.phase} → ${state.phase} ${release ?? ''}${why}`);
    }
    noTryTwice(device.id, before, state, device.ledger);
    neverBelowTheFloor(device.id, state, device.ledger);
    commitsOnlyWhatSoaked(device.id, before, state);
    device.ledger.note(before, state);
    const isOver = isBusy(before) && (!isBusy(state) || keyOf(state.job) !== keyOf(before.job));
    if (isOver) world.deviceUpdates += 1;
    if (!isBusy(before) || isOver) device.forgetDeaths(state.model);
  }

  #enter(): void {
    this.#turn += 1;
    const { work, serve } = this.agent.world.production.effectsOf(this.state);
    this.#want(serve);
    startWork(this, work);
  }

  /** What is loaded is routed at once, the rest as soon as it is; what answers stays until then. */
  #want(serve: Wanted): void {
    const { agent } = this;
    const { active, fallback, spare } = serve;
    if (active?.digest !== this.#wanted.active?.digest) this.#wantedSinceMs = agent.trueMs;
    this.#wanted = serve;
    this.#route();
    const kept = [active, fallback, spare].map((one) => one?.digest);
    for (const digest of this.#loaded) {
      if (!kept.includes(digest) && digest !== this.routed) this.#loaded.delete(digest);
    }
    for (const one of [fallback, active]) if (one) this.#load(one);
  }

  #route(): void {
    const { active, fallback } = this.#wanted;
    if (active === null || this.#loaded.has(active.digest)) this.routed = active?.digest ?? null;
    else if (fallback && this.#loaded.has(fallback.digest)) this.routed = fallback.digest;
  }

  #load(release: Installed): void {
    const { digest } = release;
    if (this.#loaded.has(digest) || this.#loading.has(digest)) return;
    this.#loading.add(digest);
    this.agent.later(this.agent.world.random.between(300, 4_000), () => {
      this.#loading.delete(digest);
      const { active, fallback } = this.#wanted;
      if (active?.digest !== digest && fallback?.digest !== digest) return;
      if (this.isLoadable(digest)) {
        this.#loaded.add(digest);
        this.#route();
      } else if (active?.digest === digest) this.#couldNotLoad(release);
    });
  }

  /** The switch of `activating`: the candidate's runner is up, and answers from now on. */
  switchTo(digest: string): void {
    this.#loaded.add(digest);
    this.routed = digest;
  }

  isLoadable(digest: string): boolean {
    return this.agent.device.shelf.isLoadable(this.model, digest);
  }

  #couldNotLoad(release: Installed): void {
    const { state } = this;
    const { digest, version } = release;
    const nowMs = this.agent.nowMs;
    const about = { code: 'SLOT_CORRUPT', reason: `${version} cannot be loaded`, nowMs };
    if (state.phase === 'rollingBack') this.dispatch({ type: 'rollBackFailed', ...about });
    else if (isBusy(state) && 'candidate' in state && state.candidate.digest === digest)
      this.dispatch({ type: 'failed', key: keyOf(state.job), ...about });
    else if (state.committed?.digest === digest) this.dispatch({ type: 'regressed', digest, ...about });
    // Tried again until it is not wanted any more: somebody may have mended it.
    this.agent.later(30_000, () => {
      if (this.#wanted.active?.digest === digest && this.routed !== digest) this.#load(release);
    });
  }
}

function nameOf(state: UpdateState): string {
  return isBusy(state) ? keyOf(state.job) : state.phase === 'empty' ? String(state.isAssigned) : '';
}
