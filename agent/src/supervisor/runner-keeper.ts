import { CodedError } from '@ringfleet/shared/errors';
import { backoffMs } from '../core/backoff.ts';
import type { Wanted } from '../core/update-effects.ts';
import type { Installed } from '../core/update-state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Runner, RunnerExit } from '../ports/runtime.ts';
import { type LoadHow, RunnerLoader, type RunnerLoaderOptions } from './runner-loader.ts';

const RESTART = { baseMs: 500, maxMs: 30_000 };

export interface RunnerKeeperOptions extends RunnerLoaderOptions {
  readonly clock: Clock;
  /** A runner died by itself, or a release that is to serve could not be started. */
  readonly onExit: (release: Installed, exit: RunnerExit) => void;
}

const NOTHING: Wanted = { active: null, fallback: null, spare: null, isTrial: false, isAssigned: false };

/** Keeps one model's runners as they are wanted: routes requests to them, restarts those that died. */
export class RunnerKeeper {
  readonly #options: RunnerKeeperOptions;
  readonly #loader: RunnerLoader;
  readonly #failures = new Map<string, number>();
  readonly #stopping = new AbortController();
  readonly #mending = new Set<string>();
  /** Releases whose restart waits for its time. */
  readonly #delayed = new Set<string>();
  /** Releases that stand by without a runner, because there is no memory for a second one. */
  readonly #cold = new Set<string>();
  #want: Wanted = NOTHING;
  /** Digest of the release that the router asks now. */
  #routed: string | null = null;
  #watchers: (() => void)[] = [];

  constructor(options: RunnerKeeperOptions) {
    this.#options = options;
    this.#loader = new RunnerLoader(options, {
      onExit: (release, exit) => this.#onExit(release, exit),
      onRoom: () => this.#mendAll(),
    });
  }

  /** Says who is to answer; what is loaded is routed at once, the rest as soon as it is. */
  want(want: Wanted): void {
    this.#want = want;
    this.#cold.clear();
    this.#route();
    for (const release of this.#mendable()) void this.#mend(release);
  }

  /** The running runner of a release, or null. */
  runnerOf(digest: string): Runner | null {
    return this.#loader.runnerOf(digest);
  }

  /** How often a release did not start, or ended by itself, since the agent runs. */
  failuresOf(digest: string): number {
    return this.#failures.get(digest) ?? 0;
  }

  /** The runner that the router asks now. */
  routedRunner(): Runner | null {
    return this.#routed === null ? null : this.runnerOf(this.#routed);
  }

  /** Resolves when every runner that had to go is gone, or the signal is aborted. */
  idle(signal: AbortSignal): Promise<void> {
    return this.#loader.idle(signal);
  }

  /** A release that is to answer and that nobody works on, in words; null when every runner has been acted upon. */
  neglected(): string | null {
    const known = [this.#mending, this.#delayed, this.#cold];
    const idle = this.#mendable().find(
      ({ digest }) =>
        !this.#loader.has(digest) &&
        !this.#loader.isHeldBack(digest) &&
        !known.some((some) => some.has(digest)),
    );
    if (!idle || this.#isOnTrial(idle) || this.#stopping.signal.aborted) return null;
    return `nobody starts ${this.#options.model} ${idle.version}`;
  }

  /** Starts a release's runner, or waits for it. Where there is no memory for it, `how` decides. */
  load(release: Installed, signal: AbortSignal, how: LoadHow = 'alone'): Promise<Runner> {
    return this.#loader.load(release, signal, how);
  }

  /** Whether what answered was ended so that this release could be loaded. */
  isAlone({ digest }: Installed): boolean {
    return this.#loader.isAlone(digest);
  }

  /** Whether a runner of a release that is proven starts on this machine now. */
  starts(release: Installed, signal: AbortSignal): Promise<boolean> {
    return this.#loader.starts(release, signal);
  }

  /** Resolves when the wanted active release answers, or the signal is aborted. */
  async untilServing(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#want.active && !this.runnerOf(this.#want.active.digest)) {
      await new Promise<void>((resolve) => {
        this.#watchers.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  async stop(): Promise<void> {
    this.#want = NOTHING;
    this.#stopping.abort();
    await this.#loader.stop();
  }

  #route(): void {
    const { model, router } = this.#options;
    const { active, fallback, spare, isAssigned } = this.#want;
    const [first, second] = [active, fallback].map((one) => (one ? this.runnerOf(one.digest) : null));
    if (first) {
      router.route(model, first, second ?? undefined);
      this.#routed = first.spec.digest;
    } else if (second) {
      // Until the one on trial is loaded again after a reboot, the committed one answers.
      router.route(model, second);
      this.#routed = second.spec.digest;
    } else if (!active) {
      if (isAssigned) router.clear(model);
      else router.forget(model);
      this.#routed = null;
    } else if (this.#routed === null) {
      router.clear(model);
    }
    // What answers now stays until what is wanted can take over.
    const keep = new Set([active, fallback, spare].map((one) => one?.digest));
    if (active && !first && this.#routed !== null) keep.add(this.#routed);
    this.#loader.keepOnly(keep);
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  /** Committed releases first: they are known to answer. */
  #mendable(): Installed[] {
    const { active, fallback } = this.#want;
    return [fallback, active].filter((one) => one !== null);
  }

  #mendAll(): void {
    for (const release of this.#mendable()) {
      if (!this.#delayed.has(release.digest)) void this.#mend(release);
    }
  }

  /** Tries until it runs or is not wanted any more. A release on trial gets one try. */
  async #mend(release: Installed): Promise<void> {
    const { clock, log, onExit, model } = this.#options;
    if (this.#mending.has(release.digest)) return;
    this.#mending.add(release.digest);
    try {
      while (this.#isWanted(release) && !this.runnerOf(release.digest)) {
        try {
          await this.load(release, this.#stopping.signal, this.#isStandby(release) ? 'beside' : 'alone');
          this.#route();
        } catch (err) {
          if (this.#stopping.signal.aborted || !this.#isWanted(release)) return;
          const code = err instanceof CodedError ? err.code : 'AGENT_INTERNAL';
          const fields = { component: 'keeper', model, release: release.version, code };
          if (code === 'NO_ROOM_BESIDE') {
            log.info(fields, 'standby stays cold');
            this.#cold.add(release.digest);
            return;
          }
          const message = err instanceof Error ? err.message : String(err);
          log.warn({ ...fields, err }, 'runner did not start');
          const failures = this.#countFailure(release.digest);
          if (!this.#isOnTrial(release)) onExit(release, { reason: 'startFailed', code, message });
          else if (!(await this.#isMachineAtFault(code))) {
            onExit(release, { reason: 'startFailed', code, message });
            return;
          }
          await clock.sleep(backoffMs(failures, clock.random(), RESTART), this.#stopping.signal);
        }
      }
    } finally {
      this.#mending.delete(release.digest);
    }
  }

  /** A machine on which the proven release beside it does not start either says nothing of the one on trial. */
  async #isMachineAtFault(code: string): Promise<boolean> {
    const { fallback } = this.#want;
    if (code !== 'RUNNER_START_FAILED' || !fallback) return false;
    return !(await this.starts(fallback, this.#stopping.signal));
  }

  #onExit(release: Installed, exit: RunnerExit): void {
    if (this.#stopping.signal.aborted) return;
    const { clock, log, onExit, model } = this.#options;
    log.warn({ component: 'keeper', model, release: release.version, code: exit.code, exit }, 'runner ended');
    onExit(release, exit);
    const isMended = this.#isWanted(release) && !this.#isOnTrial(release);
    if (isMended) {
      const failures = this.#countFailure(release.digest);
      // The first restart is at once: requests are waiting.
      const waitMs = failures === 1 ? 0 : backoffMs(failures, clock.random(), RESTART);
      this.#delayed.add(release.digest);
      void clock.sleep(waitMs, this.#stopping.signal).then(() => {
        this.#delayed.delete(release.digest);
        return this.#mend(release);
      });
    }
    // A standby that had no room may have it now.
    if (this.#cold.size > 0) {
      this.#cold.clear();
      this.#mendAll();
    }
  }

  #isWanted(release: Installed): boolean {
    return (
      !this.#loader.isHeldBack(release.digest) &&
      this.#mendable().some((one) => one.digest === release.digest)
    );
  }

  /** Beside another one that answers: it never takes that one's memory. */
  #isStandby(release: Installed): boolean {
    const { active, fallback } = this.#want;
    return fallback?.digest === release.digest && active !== null && this.runnerOf(active.digest) !== null;
  }

  #isOnTrial(release: Installed): boolean {
    return this.#want.isTrial && this.#want.active?.digest === release.digest;
  }

  #countFailure(digest: string): number {
    const count = (this.#failures.get(digest) ?? 0) + 1;
    this.#failures.set(digest, count);
    return count;
  }
}
