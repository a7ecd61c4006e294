import type { EventReport } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';
import type { Baseline, Installed } from '../core/update-state.ts';
import type { Runner } from '../ports/runtime.ts';

export interface ColdSwitchOptions {
  readonly heartbeat: () => Promise<void>;
  readonly baselineOf: (runner: Runner) => Promise<Baseline | null>;
  readonly report: (body: EventReport) => Promise<void>;
  readonly log: Logger;
}

/** Where memory holds one runner only: keeps what the one that answered showed last, and says that it is ended. */
export class ColdSwitch {
  readonly #options: ColdSwitchOptions;
  readonly #baselines = new Map<string, Baseline | null>();
  readonly #said = new Map<string, string>();

  constructor(options: ColdSwitchOptions) {
    this.#options = options;
  }

  /** Before `answering` is ended for the release. */
  async before(model: string, release: Installed, answering: Runner | null): Promise<void> {
    const { heartbeat, baselineOf, report, log } = this.#options;
    // Its last answers are reported as its own.
    await heartbeat();
    if (answering) this.#baselines.set(model, await baselineOf(answering));
    if (this.#said.get(model) === release.digest) return;
    this.#said.set(model, release.digest);
    const message = `${model} answers for a moment with nobody, and then without a release that stands by: two runners do not fit into memory beside each other`;
    const { version } = release;
    const what = { kind: 'lifecycle', severity: 'warning', code: 'NO_ROOM_BESIDE' } as const;
    report({ ...what, message, model, version }).catch((err: unknown) =>
      log.error({ err, component: 'keeper', model }, 'event cannot be saved'),
    );
  }

  /** What the release that answers now showed, or the one that was ended for its successor. */
  baselineOf(model: string, answering: Runner | null): Promise<Baseline | null> {
    if (answering) return this.#options.baselineOf(answering);
    return Promise.resolve(this.#baselines.get(model) ?? null);
  }

  forget(model: string): void {
    this.#baselines.delete(model);
    this.#said.delete(model);
  }
}
