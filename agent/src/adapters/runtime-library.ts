import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { BackendChoice } from '../runner/backends/backend.ts';

/** Files of the library that runs models, found without loading it (DESIGN §6 "Processes"). */
export interface RuntimeLibrary {
  /** `onnxruntime-node`, or the file name of the library. */
  readonly name: string;
  /** Known from files alone only for onnxruntime-node. */
  readonly version?: string;
  /** libonnxruntime itself; absent where there is none for this machine. */
  readonly file?: string;
}

export function findRuntimeLibrary(choice: BackendChoice): RuntimeLibrary {
  if (choice.backend === 'ort-capi') {
    const { library = '' } = choice;
    return { name: basename(library), ...(existsSync(library) ? { file: realpathSync(library) } : {}) };
  }
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
    const version = versionIn(folder);
    if (version === undefined) continue;
    const file = join(folder, 'bin/napi-v6', process.platform, process.arch, 'libonnxruntime.so.1');
    return { name: 'onnxruntime-node', version, ...(existsSync(file) ? { file } : {}) };
  }
  return { name: 'onnxruntime-node' };
}

/** sha256 of the library's bytes, hex. */
export async function digestOfLibrary(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function versionIn(folder: string): string | undefined {
  try {
    const found = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
    return found['name'] === 'onnxruntime-node' ? String(found['version']) : undefined;
  } catch {
    // No description in this folder: look one higher.
    return undefined;
  }
}
