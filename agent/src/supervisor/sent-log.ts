import type { Envelope, Hello, ReportsRequest, ResultsFile } from '@ringfleet/shared/protocol';
import type { Bus } from '../ports/bus.ts';
import type { DeviceApi } from '../ports/device-api.ts';

/** Everything of this device's own that ever leaves it, by kind. */
export type SentKind = 'hello' | 'state' | 'event' | 'tele' | 'stick';

export interface SentOfKind {
  readonly kind: SentKind;
  readonly messages: number;
  /** As JSON, before they were packed and encrypted. */
  readonly bytes: number;
  readonly lastAtMs: number;
  /** The newest message itself. */
  readonly last: unknown;
}

/** What `ringfleet-agent status --privacy` shows. */
export interface SentView {
  /** Counted since the agent was started. */
  readonly sinceMs: number;
  readonly sent: readonly SentOfKind[];
}

/** Remembers what left the device, at the two doors through which it can: what is not told here was not sent. */
export class SentLog {
  readonly #sinceMs: number;
  readonly #nowMs: () => number;
  readonly #kinds = new Map<SentKind, SentOfKind>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  /** The same bus, watched. A message counts when it was handed over, whether or not it arrived. */
  bus(bus: Pick<Bus, 'isConnected' | 'hello' | 'report'>): Pick<Bus, 'isConnected' | 'hello' | 'report'> {
    const note = (kind: SentKind, message: Hello | Envelope): void => this.#note(kind, message);
    return {
      get isConnected() {
        return bus.isConnected;
      },
      hello(hello) {
        note('hello', hello);
        return bus.hello(hello);
      },
      report(envelope) {
        note(envelope.id.stream, envelope);
        return bus.report(envelope);
      },
    };
  }

  api(api: Pick<DeviceApi, 'reports'>): Pick<DeviceApi, 'reports'> {
    return {
      reports: (request: ReportsRequest, signal) => {
        if (request.hello) this.#note('hello', request.hello);
        for (const envelope of request.reports) this.#note(envelope.id.stream, envelope);
        return api.reports(request, signal);
      },
    };
  }

  /** Results that somebody carries away. */
  carried(file: ResultsFile): ResultsFile {
    this.#count('stick', file.payload.length, { ...file, payload: 'hello and reports, as they are sent' });
    return file;
  }

  view(): SentView {
    return { sinceMs: this.#sinceMs, sent: [...this.#kinds.values()] };
  }

  #note(kind: SentKind, message: Hello | Envelope): void {
    this.#count(kind, Buffer.byteLength(JSON.stringify(message)), message);
  }

  #count(kind: SentKind, bytes: number, last: unknown): void {
    const before = this.#kinds.get(kind);
    this.#kinds.set(kind, {
      kind,
      messages: (before?.messages ?? 0) + 1,
      bytes: (before?.bytes ?? 0) + bytes,
      lastAtMs: this.#nowMs(),
      last,
    });
  }
}
