import { isDeepStrictEqual } from 'node:util';
import type { Ack, Envelope } from '@ringfleet/shared/protocol';

const DAMAGE = /^(JOURNAL_CORRUPT|STATE_REBUILT|STATE_NOT_WRITABLE)$/;

/** The server's half of the promise: what is acknowledged is stored, once, under its key. */
export class ReportStore {
  readonly #rows = new Map<string, Envelope>();
  /** Keys under which other content came than before. */
  readonly #forged: string[] = [];
  #newestStart = 0;

  /** What a hello says of the start that speaks. */
  hello(start: number): void {
    this.#newestStart = Math.max(this.#newestStart, start);
  }

  /** Stores reports; answers with what may be forgotten now. */
  take(reports: readonly Envelope[]): Ack[] {
    const streams = new Map<string, Envelope>();
    for (const report of reports) {
      const key = keyOf(report);
      const before = this.#rows.get(key);
      if (before && !isDeepStrictEqual(before, report)) this.#forged.push(key);
      this.#rows.set(key, before ?? report);
      streams.set(streamOf(report), report);
    }
    return [...streams.values()].map((report) => this.#ackOf(report));
  }

  /** What is wrong with what is here, in words; empty when nothing is missing and nothing double. */
  flaws(): string[] {
    const flaws = this.#forged.map((key) => `other content came under the known key ${key}`);
    const contents = new Map<string, string>();
    for (const [key, { at, body, id }] of this.#rows) {
      const content = JSON.stringify([id.stream, at, body]);
      const twin = contents.get(content);
      if (twin !== undefined) flaws.push(`${key} is ${twin} once more: ${content.slice(0, 200)}`);
      contents.set(content, key);
    }
    for (const stream of new Set([...this.#rows.values()].map(streamOf))) {
      const numbers = this.#numbersOf(stream);
      const [first = 0] = numbers;
      const gap = numbers.find((seq, i) => seq !== first + i);
      if (gap !== undefined) flaws.push(`${stream}: a report is missing before ${gap}`);
    }
    return flaws;
  }

  /** Codes of failures and of damage that were reported. */
  codes(): string[] {
    return [...this.#rows.values()].flatMap(({ id, body }) => {
      const { failure, kind, code } = body as { failure?: { code: string }; kind?: string; code?: string };
      if (id.stream === 'state') return failure ? [failure.code] : [];
      return kind === 'alert' && code !== undefined && DAMAGE.test(code) ? [code] : [];
    });
  }

  /** The phases that were reported, in order. */
  phases(): string[] {
    return [...this.#rows.values()]
      .filter(({ id }) => id.stream === 'state')
      .map(({ body }) => String((body as { phase?: string }).phase));
  }

  get size(): number {
    return this.#rows.size;
  }

  #numbersOf(stream: string): number[] {
    const rows = [...this.#rows.values()].filter((row) => streamOf(row) === stream);
    return rows.map(({ id }) => id.seq).sort((a, b) => a - b);
  }

  #ackOf(report: Envelope): Ack {
    const numbers = new Set(this.#numbersOf(streamOf(report)));
    const { journal, start, stream } = report.id;
    // As the server does: never beyond a number that has not come; of an earlier start the rest comes in order.
    const isEarlier = start < this.#newestStart;
    let storedUpTo = isEarlier ? Math.min(...numbers) - 1 : 0;
    while (numbers.has(storedUpTo + 1)) storedUpTo += 1;
    return { v: 1, journal, start, stream, storedUpTo, quarantined: [] };
  }
}

const streamOf = ({ id }: Envelope): string => `${id.journal}/${id.start}/${id.stream}`;
const keyOf = (report: Envelope): string => `${streamOf(report)}/${report.id.seq}`;
