import { CodedError } from '@ringfleet/shared/errors';
import { limitsHere } from '@ringfleet/shared/release';
import type { Logger } from 'pino';
import { backoffMs } from '../core/backoff.ts';
import { isDowngrade, type ProviderOutcome } from '../core/provider-choice.ts';
import type { Wanted } from '../core/update-effects.ts';
import type { Installed } from '../core/update-state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Router } from '../ports/router.ts';
import type { Runner, RunnerExit, Runtime } from '../ports/runtime.ts';
import type { Slots } from '../ports/slots.ts';

const STOP_GRACE_MS = 2_000;
const END_GRACE_MS = 500;
const DRAIN_MS = 15_000;
const RESTART = { baseMs: 500, maxMs: 30_000 };

export interface RunnerKeeperOptions {
  readonly model: string;
  readonly runtime: Runtime;
  readonly router: Router;
  readonly slots: Slots;
  readonly clock: Clock;
  readonly log: Logger;
  /** A runner died by itself, or a release that is to serve could not be started. */
  readonly onExit: (release: Installed, exit: RunnerExit) => void;
  /** A release runs on another provider than it asks for first, or not wholly on it; said once per release and outcome. */
  readonly onDowngrade?: (release: Installed, outcome: ProviderOutcome) => void;
}

interface Loaded {
  readonly release: Installed;
  readonly starting: Promise<Runner>;
  runner: Runner | null;
  isStopped: boolean;
}

const NOTHING: Wanted = { active: null, fallback: null, spare: null, isTrial: false, isAssigned: false };

/** Keeps one model's runners as they are wanted: starts, routes, restarts and stops them. */
export class RunnerKeeper {
  readonly #options: RunnerKeeperOptions;
  readonly #loaded = new Map<string, Loaded>();
  readonly #failures = new Map<string, number>();
  readonly #stopping = new AbortController();
  readonly #ended = new Promise<void>((resolve) =>
    this.#stopping.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  readonly #stops = new Set<Promise<void>>();
  readonly #mending = new Set<string>();
  /** Releases whose restart waits for its time. */
  readonly #delayed = new Set<string>();
  readonly #downgrades = new Map<string, string>();
  #want: Wanted = NOTHING;
  /** Digest of the release that the router asks now. */
  #routed: string | null = null;
  #watchers: (() => void)[] = [];

  constructor(options: RunnerKeeperOptions) {
    this.#options = options;
  }

  /** Says who is to answer; what is loaded is routed at once, the rest as soon as it is. */
  want(want: Wanted): void {
    this.#want = want;
    this.#route();
    for (const release of this.#mendable()) void this.#mend(release);
  }

  /** The running runner of a release, or null. */
  runnerOf(digest: string): Runner | null {
    return this.#loaded.get(digest)?.runner ?? null;
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
  async idle(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([Promise.all(this.#stops), aborted]);
  }

  /** A release that is to answer and that nobody works on, in words; null when every runner has been acted upon. */
  neglected(): string | null {
    const idle = this.#mendable().find(
      ({ digest }) => !this.#loaded.has(digest) && !this.#mending.has(digest) && !this.#delayed.has(digest),
    );
    if (!idle || this.#isOnTrial(idle) || this.#stopping.signal.aborted) return null;
    return `nobody starts ${this.#options.model} ${idle.version}`;
  }

  /** Starts a release's runner, or waits for it. Its folder is hashed again first; nothing unverified is loaded. */
  async load(release: Installed, signal: AbortSignal): Promise<Runner> {
    const there = this.#loaded.get(release.digest);
    if (there) return there.starting;
    const loaded: Loaded = {
      release,
      starting: this.#start(release, signal),
      runner: null,
      isStopped: false,
    };
    this.#loaded.set(release.digest, loaded);
    try {
      const runner = await loaded.starting;
      loaded.runner = runner;
      this.#sayProvider(release, runner.provider);
      void runner.exited.then((exit) => this.#onExit(loaded, exit));
      return runner;
    } catch (err) {
      if (this.#loaded.get(release.digest) === loaded) this.#loaded.delete(release.digest);
      throw err;
    }
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
    for (const [digest, loaded] of this.#loaded) this.#dismiss(digest, loaded, 0);
    await Promise.all(this.#stops);
  }

  async #start(release: Installed, signal: AbortSignal): Promise<Runner> {
    const { model, slots, runtime } = this.#options;
    const { dir, manifest } = await slots.verify(model, release);
    const { version, digest, variant } = release;
    const own = { ...manifest, limits: limitsHere(manifest.limits, release.limits) };
    return runtime.start({ model, version, digest, variant, slotDir: dir, manifest: own }, signal);
  }

  /** A restart that ends on the same provider is no news. */
  #sayProvider(release: Installed, outcome: ProviderOutcome): void {
    const { log, model, onDowngrade } = this.#options;
    const fields = { component: 'keeper', model, release: release.version, provider: outcome };
    if (!isDowngrade(outcome)) {
      this.#downgrades.delete(release.digest);
      log.info(fields, 'runner loaded');
      return;
    }
    log.warn({ ...fields, code: 'PROVIDER_DOWNGRADED' }, 'runner loaded on another provider');
    if (this.#downgrades.get(release.digest) === outcome.active) return;
    this.#downgrades.set(release.digest, outcome.active);
    onDowngrade?.(release, outcome);
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
    for (const [digest, loaded] of this.#loaded) {
      if (!keep.has(digest)) this.#dismiss(digest, loaded);
    }
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  /** Committed releases first: they are known to answer. */
  #mendable(): Installed[] {
    const { active, fallback } = this.#want;
    return [fallback, active].filter((one) => one !== null);
  }

  /** Tries until it runs or is not wanted any more. A release on trial gets one try. */
  async #mend(release: Installed): Promise<void> {
    const { clock, log, onExit, model } = this.#options;
    if (this.#mending.has(release.digest)) return;
    this.#mending.add(release.digest);
    try {
      while (this.#isWanted(release) && !this.runnerOf(release.digest)) {
        try {
          await this.load(release, this.#stopping.signal);
          this.#route();
        } catch (err) {
          if (this.#stopping.signal.aborted || !this.#isWanted(release)) return;
          const code = err instanceof CodedError ? err.code : 'AGENT_INTERNAL';
          const message = err instanceof Error ? err.message : String(err);
          log.warn(
            { component: 'keeper', model, release: release.version, code, err },
            'runner did not start',
          );
          const failures = this.#countFailure(release.digest);
          onExit(release, { reason: 'startFailed', code, message });
          if (this.#isOnTrial(release)) return;
          await clock.sleep(backoffMs(failures, clock.random(), RESTART), this.#stopping.signal);
        }
      }
    } finally {
      this.#mending.delete(release.digest);
    }
  }

  #onExit(loaded: Loaded, exit: RunnerExit): void {
    const { release } = loaded;
    if (this.#loaded.get(release.digest) === loaded) this.#loaded.delete(release.digest);
    if (loaded.isStopped || this.#stopping.signal.aborted) return;
    const { clock, log, onExit, model } = this.#options;
    log.warn({ component: 'keeper', model, release: release.version, code: exit.code, exit }, 'runner ended');
    onExit(release, exit);
    if (!this.#isWanted(release) || this.#isOnTrial(release)) return;
    const failures = this.#countFailure(release.digest);
    // The first restart is at once: requests are waiting.
    const waitMs = failures === 1 ? 0 : backoffMs(failures, clock.random(), RESTART);
    this.#delayed.add(release.digest);
    void clock.sleep(waitMs, this.#stopping.signal).then(() => {
      this.#delayed.delete(release.digest);
      return this.#mend(release);
    });
  }

  #dismiss(digest: string, loaded: Loaded, drainMs = DRAIN_MS): void {
    this.#loaded.delete(digest);
    loaded.isStopped = true;
    const { router, log } = this.#options;
    const stop = (async () => {
      const runner = await loaded.starting;
      loaded.runner = runner;
      // At the end of the agent nobody waits for requests: what still drained would be left behind.
      if (drainMs > 0) await Promise.race([router.drained(runner, drainMs), this.#ended]);
      const isEnd = drainMs === 0 || this.#stopping.signal.aborted;
      await runner.stop(isEnd ? END_GRACE_MS : STOP_GRACE_MS);
    })().catch((err: unknown) => log.debug({ err, component: 'keeper' }, 'runner was never up'));
    this.#stops.add(stop);
    void stop.then(() => this.#stops.delete(stop));
  }

  #isWanted(release: Installed): boolean {
    return this.#mendable().some((one) => one.digest === release.digest);
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
