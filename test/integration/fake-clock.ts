import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

/** Why no process can be given another clock here, or null. */
export const noFakeClock: string | null = [LIBRARY, '/usr/bin/faketime'].every((path) => existsSync(path))
  ? null
  : 'needs the Debian packages faketime and libfaketime';

/** The clock of other processes, set at run time through a file that libfaketime reads every second. */
export class FakeClock {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** What puts a process under this clock. Monotonic clocks stay as they are, as on a machine whose time is set. */
  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** From now on it is `time` there, and time goes on. */
  async set(time: string): Promise<void> {
    const offsetS = Math.round((Date.parse(time) - Date.now()) / 1_000);
    await writeFile(`${this.#file}.new`, `${offsetS >= 0 ? '+' : ''}${offsetS}\n`);
    await rename(`${this.#file}.new`, this.#file);
  }
}
