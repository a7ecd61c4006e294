import type { Logger } from 'pino';
import { isDowngrade, type ProviderOutcome } from '../core/provider-choice.ts';
import type { Installed } from '../core/update-state.ts';

export interface ProviderNewsOptions {
  readonly model: string;
  readonly log: Logger;
  /** A release runs on another provider than it asks for first, or not wholly on it; said once per release and outcome. */
  readonly onDowngrade?: (release: Installed, outcome: ProviderOutcome) => void;
}

/** Says on which provider a release runs; a restart that ends on the same one is no news. */
export class ProviderNews {
  readonly #options: ProviderNewsOptions;
  readonly #said = new Map<string, string>();

  constructor(options: ProviderNewsOptions) {
    this.#options = options;
  }

  say(release: Installed, outcome: ProviderOutcome): void {
    const { log, model, onDowngrade } = this.#options;
    const fields = { component: 'keeper', model, release: release.version, provider: outcome };
    if (!isDowngrade(outcome)) {
      this.#said.delete(release.digest);
      log.info(fields, 'runner loaded');
      return;
    }
    log.warn({ ...fields, code: 'PROVIDER_DOWNGRADED' }, 'runner loaded on another provider');
    if (this.#said.get(release.digest) === outcome.active) return;
    this.#said.set(release.digest, outcome.active);
    onDowngrade?.(release, outcome);
  }
}
