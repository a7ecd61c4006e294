import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { HASH_ALGORITHMS, type TargetFile } from '@ringfleet/shared/trust';
import { renameDurably } from '../../agent/src/adapters/durable-file.ts';
import { openFile, type Pace } from './http-files.ts';

export interface TargetPlace {
  readonly baseUrl: string;
  readonly dir: string;
  /** Whether the repository puts a hash in front of file names. */
  readonly isConsistent: boolean;
  readonly pace: Pace;
}

/** 5.7: brings one target into the folder, unless it is there. Under its name stands only what was verified. */
export async function downloadTarget(target: TargetFile, place: TargetPlace): Promise<string> {
  const path = join(place.dir, fileName(target.path));
  if (await isThere(path, target)) return path;
  await mkdir(place.dir, { recursive: true });
  const partial = `${path}.part`;
  try {
    await receive(target, place, partial);
    // Again from disk: what is used later is what was written, not what was received.
    await verifyBytes(target, createReadStream(partial));
    await renameDurably(partial, path);
  } catch (err) {
    await rm(partial, { force: true });
    throw err;
  }
  return path;
}

async function receive(target: TargetFile, place: TargetPlace, partial: string): Promise<void> {
  const bytes = await openFile(urlOf(target, place), target.length, place.pace);
  if (bytes === null) throw new CodedError('METADATA_MISSING', `the repository has no ${target.path}`);
  const file = await open(partial, 'w', 0o600);
  try {
    for await (const chunk of bytes) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function isThere(path: string, target: TargetFile): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found?.size !== target.length) return false;
  try {
    await verifyBytes(target, createReadStream(path));
    return true;
  } catch (err) {
    if (err instanceof CodedError) return false;
    throw err;
  }
}

async function verifyBytes(target: TargetFile, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const known = Object.entries(target.hashes).filter(([algorithm]) => HASH_ALGORITHMS.has(algorithm));
  if (known.length === 0) throw mismatch(target, 'has no hash that can be checked');
  const hashes = known.map(([algorithm, expected]) => ({ hash: createHash(algorithm), expected }));
  let length = 0;
  for await (const chunk of bytes) {
    length += chunk.length;
    for (const { hash } of hashes) hash.update(chunk);
  }
  if (length !== target.length) throw mismatch(target, `has ${length} bytes instead of ${target.length}`);
  if (hashes.some(({ hash, expected }) => hash.digest('hex') !== expected))
    throw mismatch(target, 'has another hash');
}

function urlOf(target: TargetFile, { baseUrl, isConsistent }: TargetPlace): string {
  const parts = target.path.split('/');
  const base = parts.pop() ?? '';
  const hash = Object.values(target.hashes)[0];
  const path = [...parts, isConsistent && hash ? `${hash}.${base}` : base].map(encodeURIComponent).join('/');
  return `${baseUrl.replace(/\/+$/, '')}/${path}`;
}

/** One flat name per target: encoded, or a digest where that would be too long for a file system. */
function fileName(path: string): string {
  const encoded = encodeURIComponent(path);
  return encoded.length <= 200 ? encoded : createHash('sha256').update(path).digest('hex');
}

const mismatch = (target: TargetFile, what: string): CodedError =>
  new CodedError('TARGET_MISMATCH', `${target.path} ${what}`);
