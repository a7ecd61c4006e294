import type { EventReport, Notice } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';

export interface ServerNoticesOptions {
  readonly log: Logger;
  readonly report: (body: EventReport) => Promise<void>;
}

/** What the server says about this device, passed on to log and reports once per process: it says it at every connect. */
export class ServerNotices {
  readonly #options: ServerNoticesOptions;
  readonly #said = new Set<string>();

  constructor(options: ServerNoticesOptions) {
    this.#options = options;
  }

  take(kind: 'refused' | 'warning', { code, reason }: Notice): void {
    const { log, report } = this.#options;
    const key = `${kind} ${code}`;
    if (this.#said.has(key)) return;
    // Bounded: a server that varies its nonsense does not fill the memory.
    if (this.#said.size > 100) this.#said.clear();
    this.#said.add(key);
    const sentence = `The fleet server ${kind === 'refused' ? 'refuses this device' : 'warns'}: ${reason}`;
    log.error(
      { component: 'bus', code, reason },
      kind === 'refused'
        ? 'refused by the fleet server; this device goes on alone'
        : 'warned by the fleet server',
    );
    report({ kind: 'trust', severity: 'error', code, message: sentence.slice(0, 1000) }).catch(
      (err: unknown) => log.error({ err, component: 'bus' }, 'notice cannot be saved'),
    );
  }
}
