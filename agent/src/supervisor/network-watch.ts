import { CodedError, type ErrorCode } from '@ringfleet/shared/errors';
import type { EventReport } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';

/** Worth an event: who looks at the fleet later can act on it. A server or a cable that was away explains itself. */
const TOLD: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'NAME_NOT_RESOLVED',
  'PROXY_UNREACHABLE',
  'PROXY_REFUSED',
  'TLS_INTERCEPTED',
  'FOREIGN_ANSWER',
  'SERVER_SILENT',
]);
/** Events are never dropped from the outbox, so there are few of them. */
const TELL_AGAIN_MS = 6 * 3_600_000;
const MAX_MESSAGE = 1_000;

export interface NetworkFault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly sinceMs: number;
}

export interface NetworkWatchParts {
  readonly report: (body: EventReport) => Promise<void>;
  /** Milliseconds that only grow. */
  readonly monotonicMs: () => number;
  readonly nowMs: () => number;
  readonly log: Logger;
}

/** Remembers what stands between this device and its server, for `status`, and says it once to log and reports. */
export class NetworkWatch {
  readonly #parts: NetworkWatchParts;
  readonly #toldMs = new Map<ErrorCode, number>();
  #fault: NetworkFault | null = null;
  #lastMs: number | null = null;
  #nextMs: number | null = null;

  constructor(parts: NetworkWatchParts) {
    this.#parts = parts;
  }

  /** What the last try met; null after one that worked. */
  get fault(): NetworkFault | null {
    return this.#fault;
  }

  /** When the server was heard last, and when it will be asked again; epoch ms, null while unknown. */
  get contact(): { readonly lastMs: number | null; readonly nextMs: number | null } {
    return { lastMs: this.#lastMs, nextMs: this.#nextMs };
  }

  /** Whether the server said something within this time. */
  isHeard(withinMs: number): boolean {
    return this.#lastMs !== null && Math.abs(this.#parts.nowMs() - this.#lastMs) < withinMs;
  }

  worked(): void {
    this.#fault = null;
    this.#lastMs = this.#parts.nowMs();
  }

  willLook(inMs: number): void {
    this.#nextMs = Math.round(this.#parts.nowMs() + inMs);
  }

  failed(err: unknown): void {
    if (!(err instanceof CodedError) || err.code === 'ABORTED') return;
    const { code } = err;
    const message = err.message.slice(0, MAX_MESSAGE);
    const sinceMs = this.#fault?.code === code ? this.#fault.sinceMs : this.#parts.nowMs();
    this.#fault = { code, message, sinceMs };
    if (TOLD.has(code)) this.#tell(code, message);
  }

  #tell(code: ErrorCode, message: string): void {
    const { log, report, monotonicMs } = this.#parts;
    const atMs = monotonicMs();
    const lastMs = this.#toldMs.get(code);
    if (lastMs !== undefined && atMs - lastMs < TELL_AGAIN_MS) return;
    this.#toldMs.set(code, atMs);
    log.warn({ component: 'network', code, reason: message }, 'no way to the fleet server');
    const kind = code === 'TLS_INTERCEPTED' ? 'trust' : 'alert';
    report({ kind, severity: 'warning', code, message }).catch((err: unknown) =>
      log.error({ err, component: 'network' }, 'event cannot be saved'),
    );
  }
}
