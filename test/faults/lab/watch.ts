import { setTimeout as sleep } from 'node:timers/promises';
import type { Application } from './application.ts';

const PAUSE_MS = 25;
/** So soon after its start a device answers (DESIGN §10). */
const SERVING_LIMIT_MS = 10_000;

/** Asks a device without pause and looks at every answer. */
export class Watch {
  readonly #application: Application;
  readonly #socket: string;
  readonly #flaws = new Set<string>();
  readonly #stop = new AbortController();
  readonly #startedAt = performance.now();
  readonly #loop: Promise<void>;
  #firstAnswerMs: number | null = null;
  readonly versions = new Set<string>();

  constructor(application: Application, socket: string) {
    this.#application = application;
    this.#socket = socket;
    this.#loop = this.#run();
  }

  /** From the start to the first answer; null while there was none. */
  get firstAnswerMs(): number | null {
    return this.#firstAnswerMs;
  }

  /** Stops asking; answers with what was wrong. `mayBeSilent`: no answer was expected. */
  async end(mayBeSilent = false): Promise<string[]> {
    this.#stop.abort();
    await this.#loop;
    const first = this.#firstAnswerMs;
    if (!mayBeSilent && (first === null || first > SERVING_LIMIT_MS)) {
      this.#flaws.add(first === null ? 'it never answered' : `its first answer took ${Math.round(first)} ms`);
    }
    return [...this.#flaws];
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const answer = await this.#application.ask(this.#socket);
      if (answer) {
        this.#firstAnswerMs ??= performance.now() - this.#startedAt;
        this.versions.add(answer.named);
        if (answer.version === null) this.#flaws.add(`an answer of ${answer.named} is of no release`);
        else if (answer.version !== answer.named)
          this.#flaws.add(`${answer.named} answers as ${answer.version}`);
      }
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
