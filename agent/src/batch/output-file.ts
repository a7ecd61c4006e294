import { type FileHandle, open } from 'node:fs/promises';
import { extname } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { jsonRowsOf, type RowResult } from './row-results.ts';

/** Where results go, one line per row of the input, so that a half-written file says how far it came. */
export interface OutputFile {
  /** Rows that an earlier run has already written. */
  readonly done: number;
  append(results: readonly RowResult[]): Promise<void>;
  close(): Promise<void>;
}

const CHUNK_BYTES = 1024 * 1024;

/** Opens a .jsonl file to go on behind its last whole line; `isFresh` starts over. Throws SCORE_INPUT_INVALID. */
export async function openOutput(path: string, isFresh: boolean): Promise<OutputFile> {
  if (extname(path).toLowerCase() !== '.jsonl')
    throw new CodedError('SCORE_INPUT_INVALID', `${path} must end in .jsonl`);
  const file = await open(path, isFresh ? 'w+' : 'a+');
  try {
    const { lines, wholeBytes } = await countLines(file);
    // A power cut leaves half a line; its row is asked again.
    await file.truncate(wholeBytes);
    return {
      done: lines,
      append: async (results) => {
        await file.appendFile(jsonRowsOf(results));
      },
      close: async () => {
        await file.sync();
        await file.close();
      },
    };
  } catch (err) {
    await file.close();
    throw err;
  }
}

async function countLines(file: FileHandle): Promise<{ lines: number; wholeBytes: number }> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let lines = 0;
  let wholeBytes = 0;
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, at);
    if (bytesRead === 0) return { lines, wholeBytes };
    for (let i = chunk.indexOf(10); i >= 0 && i < bytesRead; i = chunk.indexOf(10, i + 1)) {
      lines += 1;
      wholeBytes = at + i + 1;
    }
    at += bytesRead;
  }
}
