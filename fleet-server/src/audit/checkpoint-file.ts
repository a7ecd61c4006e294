import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../adapters/write-durably.ts';
import { type Checkpoint, checkCheckpoint } from './checkpoint.ts';

/** Lines of JSON beside the database; appended and synced, never rewritten. */
export class CheckpointFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async append(checkpoint: Checkpoint): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const before = await this.#text();
    // A line that a power cut tore stays alone on its line.
    const start = before === '' || before.endsWith('\n') ? '' : '\n';
    const file = await open(this.#path, 'a', 0o600);
    try {
      await file.write(`${start}${JSON.stringify(checkpoint)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    if (before === '') await syncFolder(dirname(this.#path));
  }

  /** Oldest first; `damaged` counts lines that are none. */
  async read(): Promise<{ readonly checkpoints: readonly Checkpoint[]; readonly damaged: number }> {
    const lines = (await this.#text()).split('\n').filter((line) => line !== '');
    const checkpoints = lines.flatMap((line) => {
      try {
        return [checkCheckpoint(JSON.parse(line))];
      } catch {
        // Counted below: a torn or foreign line vouches for nothing.
        return [];
      }
    });
    return { checkpoints, damaged: lines.length - checkpoints.length };
  }

  async #text(): Promise<string> {
    try {
      return await readFile(this.#path, 'utf8');
    } catch (err) {
      if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return '';
      throw err;
    }
  }
}
