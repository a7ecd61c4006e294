/** What the demo tells on stdout: plain words, and a table. */
export class Teller {
  readonly #startedAtMs: number;
  readonly #now: () => number;
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
    this.#startedAtMs = now();
  }

  step(number: number, text: string): void {
    this.#write(`\n${this.#clock()}  ${number}. ${text}\n`);
  }

  say(text: string): void {
    this.#write(`${this.#clock()}     ${text}\n`);
  }

  blank(): void {
    this.#write('\n');
  }

  table(rows: readonly (readonly string[])[]): void {
    const widths = (rows[0] ?? []).map((_, column) =>
      Math.max(...rows.map((row) => (row[column] ?? '').length)),
    );
    const lines = rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
    const rule = widths.map((width) => '-'.repeat(width)).join('  ');
    const [head = '', ...body] = lines;
    this.#write(`${[head, rule, ...body].map((line) => `  ${line}`).join('\n')}\n`);
  }

  #clock(): string {
    const seconds = Math.round((this.#now() - this.#startedAtMs) / 1000);
    return `[${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}]`;
  }
}
