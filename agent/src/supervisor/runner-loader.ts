import { CodedError } from '@ringfleet/shared/errors';
import { limitsHere } from '@ringfleet/shared/release';
import { memoryNeed } from '../core/memory-need.ts';
import type { Installed } from '../core/update-state.ts';
import type { Router } from '../ports/router.ts';
import type { Runner, RunnerExit, RunnerSpec, Runtime } from '../ports/runtime.ts';
import type { Slots } from '../ports/slots.ts';
import type { MemoryRoom } from './memory-room.ts';
import { ProviderNews, type ProviderNewsOptions } from './provider-news.ts';

const STOP_GRACE_MS = 2_000;
const END_GRACE_MS = 500;
const DRAIN_MS = 15_000;

export interface RunnerLoaderOptions extends ProviderNewsOptions {
  readonly runtime: Runtime;
  readonly router: Router;
  readonly slots: Slots;
  /** Of the whole device. */
  readonly room: MemoryRoom;
  /** Two runners do not fit: the one that answers is about to be ended for this release; its last figures are to be taken now. */
  readonly beforeCold?: (release: Installed) => Promise<void>;
}

export interface LoaderEvents {
  /** A runner ended by itself. */
  readonly onExit: (release: Installed, exit: RunnerExit) => void;
  /** The release that had the memory for itself is not loaded any more: the others may come back. */
  readonly onRoom: () => void;
}

/** `beside`: rejects with NO_ROOM_BESIDE where there is no memory for it. `alone`: the model's other runners are ended then. */
export type LoadHow = 'beside' | 'alone';

interface Loaded {
  readonly release: Installed;
  readonly starting: Promise<Runner>;
  runner: Runner | null;
  isStopped: boolean;
}

/** The runner processes of one model: starts and ends them, as many at a time as the device has memory for. */
export class RunnerLoader {
  readonly #options: RunnerLoaderOptions;
  readonly #events: LoaderEvents;
  readonly #loaded = new Map<string, Loaded>();
  readonly #stops = new Set<Promise<void>>();
  readonly #news: ProviderNews;
  readonly #ending = new AbortController();
  readonly #ended = new Promise<void>((resolve) =>
    this.#ending.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  #alone: string | null = null;

  constructor(options: RunnerLoaderOptions, events: LoaderEvents) {
    this.#options = options;
    this.#events = events;
    this.#news = new ProviderNews(options);
  }

  has(digest: string): boolean {
    return this.#loaded.has(digest);
  }

  /** The running runner of a release, or null. */
  runnerOf(digest: string): Runner | null {
    return this.#loaded.get(digest)?.runner ?? null;
  }

  /** It has the memory for itself: what answered before it was ended for it. */
  isAlone(digest: string): boolean {
    return this.#alone === digest;
  }

  /** Another release has the memory for itself. */
  isHeldBack(digest: string): boolean {
    return this.#alone !== null && this.#alone !== digest;
  }

  /** Starts a release's runner, or waits for it. Its folder is hashed again first; nothing unverified is loaded. */
  async load(release: Installed, signal: AbortSignal, how: LoadHow): Promise<Runner> {
    const there = this.#loaded.get(release.digest);
    if (there) return there.starting;
    const loaded: Loaded = {
      release,
      starting: this.#start(release, signal, how),
      runner: null,
      isStopped: false,
    };
    this.#loaded.set(release.digest, loaded);
    try {
      const runner = await loaded.starting;
      loaded.runner = runner;
      this.#news.say(release, runner.provider);
      void runner.exited.then((exit) => {
        this.#forget(loaded);
        if (!loaded.isStopped) this.#events.onExit(release, exit);
      });
      return runner;
    } catch (err) {
      this.#forget(loaded);
      throw err;
    }
  }

  /** Whether a runner of a release that is proven starts on this machine now; one that was started for it is ended again. */
  async starts(release: Installed, signal: AbortSignal): Promise<boolean> {
    const { runtime, room, model, log } = this.#options;
    try {
      const there = this.#loaded.get(release.digest);
      if (there && !there.runner) {
        await there.starting;
        return true;
      }
      const { spec, needBytes } = await this.#specOf(release);
      const runner = await room.during(needBytes, () => runtime.start(spec, signal));
      await runner.stop(0);
      return true;
    } catch (err) {
      log.warn({ err, component: 'keeper', model, release: release.version }, 'no runner starts here');
      return false;
    }
  }

  /** Ends all runners but these, once they have answered what they were asked. */
  keepOnly(digests: ReadonlySet<string | undefined>): void {
    if (this.#alone !== null && !digests.has(this.#alone)) this.#alone = null;
    for (const [digest, loaded] of this.#loaded) if (!digests.has(digest)) this.#dismiss(loaded, DRAIN_MS);
  }

  /** Resolves when every runner that had to go is gone, or the signal is aborted. */
  async idle(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([Promise.all(this.#stops), aborted]);
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    for (const loaded of this.#loaded.values()) this.#dismiss(loaded, 0);
    await Promise.all(this.#stops);
  }

  async #start(release: Installed, signal: AbortSignal, how: LoadHow): Promise<Runner> {
    const { runtime, room, model } = this.#options;
    const { spec, needBytes } = await this.#specOf(release);
    if (!room.hasRoomFor(needBytes)) {
      if (how === 'beside') {
        const what = `${model} ${release.version} takes about ${Math.ceil(needBytes / 1024 ** 2)} MiB`;
        throw new CodedError('NO_ROOM_BESIDE', `${what}, which are not free beside what runs`);
      }
      await this.#makeRoomFor(release);
    }
    return room.during(needBytes, () => runtime.start(spec, signal));
  }

  async #specOf(release: Installed): Promise<{ readonly spec: RunnerSpec; readonly needBytes: number }> {
    const { model, slots } = this.#options;
    const { dir, manifest } = await slots.verify(model, release);
    const { version, digest, variant } = release;
    const own = { ...manifest, limits: limitsHere(manifest.limits, release.limits) };
    const spec = { model, version, digest, variant, slotDir: dir, manifest: own };
    return { spec, needBytes: memoryNeed(own, variant) };
  }

  /** Ends the model's other runners. Requests wait meanwhile, as they do for a restart. */
  async #makeRoomFor(release: Installed): Promise<void> {
    const { router, model, log, beforeCold } = this.#options;
    const others = (): Loaded[] => [...this.#loaded.values()].filter((one) => one.release !== release);
    if (others().length > 0) {
      log.warn(
        { component: 'keeper', model, release: release.version, code: 'NO_ROOM_BESIDE' },
        'the other runner is ended for this one',
      );
      await beforeCold?.(release);
      this.#alone = release.digest;
      router.pause(model);
      for (const loaded of others()) this.#dismiss(loaded, DRAIN_MS);
    }
    await Promise.all(this.#stops);
  }

  #forget(loaded: Loaded): void {
    const { digest } = loaded.release;
    if (this.#loaded.get(digest) === loaded) this.#loaded.delete(digest);
    if (this.#alone !== digest || this.#loaded.has(digest)) return;
    this.#alone = null;
    this.#events.onRoom();
  }

  #dismiss(loaded: Loaded, drainMs: number): void {
    this.#loaded.delete(loaded.release.digest);
    loaded.isStopped = true;
    const { router, log } = this.#options;
    const stop = (async () => {
      const runner = await loaded.starting;
      loaded.runner = runner;
      // At the end of the agent nobody waits for requests: what still drained would be left behind.
      if (drainMs > 0) await Promise.race([router.drained(runner, drainMs), this.#ended]);
      const isEnd = drainMs === 0 || this.#ending.signal.aborted;
      await runner.stop(isEnd ? END_GRACE_MS : STOP_GRACE_MS);
    })().catch((err: unknown) => log.debug({ err, component: 'keeper' }, 'runner was never up'));
    this.#stops.add(stop);
    void stop.then(() => this.#stops.delete(stop));
  }
}
