import type { Logger } from 'pino';
import { keptOf } from '../core/update-effects.ts';
import { isBusy, type UpdateState } from '../core/update-state.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Engines } from '../ports/engines.ts';
import type { Slots } from '../ports/slots.ts';
import type { ReleaseFetcher } from './release-fetcher.ts';

export interface GarbageOptions {
  readonly slots: Slots;
  readonly blobs: BlobStore;
  /** Absent where no provider compiles anything. */
  readonly engines?: Engines | undefined;
  readonly fetcher: Pick<ReleaseFetcher, 'digestsHere'>;
  readonly states: () => readonly UpdateState[];
  /** A person is bringing files for a release that is not assigned yet: no blob goes meanwhile. */
  readonly isImporting: () => boolean;
  readonly log: Logger;
}

/**
 * Gives disk space back: slots of releases that are neither active, previous nor on trial, blobs that no slot links to,
 * what was compiled of releases that are gone, and downloads that nobody goes on with. One round at a time; what other
 * models are busy with is left alone.
 */
export class GarbageCollector {
  readonly #options: GarbageOptions;
  #round: Promise<void> = Promise.resolve();

  constructor(options: GarbageOptions) {
    this.#options = options;
  }

  /** Resolves when a round is over that began after the call; never rejects. */
  collect(): Promise<void> {
    const { log } = this.#options;
    this.#round = this.#round
      .then(() => this.#collect())
      .catch((err: unknown) => log.warn({ err, component: 'garbage' }, 'disk space cannot be given back'));
    return this.#round;
  }

  async #collect(): Promise<void> {
    const { slots, blobs, engines, states, isImporting } = this.#options;
    const versionsOf = (model: string) => (): readonly string[] =>
      states()
        .filter((state) => state.model === model)
        .flatMap((state) => keptOf(state).map((one) => one.version));
    for (const model of await slots.models()) await slots.keepOnly(model, versionsOf(model));
    await engines?.keepOnly(() => states().flatMap((state) => keptOf(state).map((one) => one.digest)));
    if (!isImporting()) await blobs.sweep(() => this.#wanted());
  }

  /** Everything that releases under way are made of, as far as their manifests are here. */
  async #wanted(): Promise<ReadonlySet<string>> {
    const { fetcher, states } = this.#options;
    const wanted = new Set<string>();
    for (const state of states().filter(isBusy)) {
      const { digest, manifestBytes } = state.job;
      for (const one of await fetcher.digestsHere(digest, manifestBytes)) wanted.add(one);
    }
    return wanted;
  }
}
