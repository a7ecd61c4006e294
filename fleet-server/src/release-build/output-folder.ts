import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';

/**
 * Fills a temporary folder beside `final` and renames it at the end, so that a build which fails or is killed leaves no
 * half release. An earlier build in the same place is replaced; anything else there is RELEASE_OUTPUT_EXISTS.
 */
export async function inStaging<T>(final: string, fill: (staging: string) => Promise<T>): Promise<T> {
  await checkReplaceable(final);
  await mkdir(dirname(final), { recursive: true });
  const staging = await mkdtemp(join(dirname(final), `.${basename(final)}-`));
  try {
    // mkdtemp makes it private; a release is not.
    await chmod(staging, 0o755);
    const result = await fill(staging);
    await checkReplaceable(final);
    await rm(final, { recursive: true, force: true });
    await rename(staging, final);
    return result;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function checkReplaceable(folder: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return;
    throw new CodedError('RELEASE_OUTPUT_EXISTS', `${folder} is in the way`, { cause: err, at: folder });
  }
  if (names.length === 0 || names.includes('manifest.json')) return;
  throw new CodedError('RELEASE_OUTPUT_EXISTS', `${folder} holds something that is no built release`, {
    at: folder,
  });
}
