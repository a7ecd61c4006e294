import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReleaseFile } from '@ringfleet/shared/release';

/** Every file below a folder but `manifest.json`, by path, with size and digest. Hashed as streams. */
export async function listReleaseFiles(folder: string): Promise<ReleaseFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((path) => path !== 'manifest.json')
    .sort();
  const files: ReleaseFile[] = [];
  for (const path of paths) files.push({ path, ...(await fileDigest(join(folder, path))) });
  return files;
}

export async function fileDigest(path: string): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return { sizeBytes: (await stat(path)).size, sha256: `sha256:${hash.digest('hex')}` };
}
