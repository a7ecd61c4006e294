import { CodedError } from '@ringfleet/shared/errors';
import { type BundleFile, checkListed, peekBundle } from '@ringfleet/shared/trust';
import { BundleFolder } from './bundle-folder.ts';
import type { CliContext } from './context.ts';

type Link = Pick<CliContext, 'request' | 'download' | 'progress'>;

/** For whom, and for how long. */
export interface ExportRequest {
  readonly devices: readonly string[];
  readonly selector: string | null;
  readonly lifeMs: number;
}

interface MadeBundle {
  readonly version: number;
  readonly expiresAtMs: number;
  readonly devices: readonly string[];
  readonly bundle: string;
  readonly files: Readonly<Record<string, string>>;
}

export interface Exported {
  readonly version: number;
  readonly expiresAtMs: number;
  readonly devices: readonly string[];
  readonly files: number;
  readonly bytes: number;
  readonly downloaded: number;
  readonly downloadedBytes: number;
}

const PROGRESS_MS = 1_000;

/**
 * Has the server sign a bundle, writes its small files and fetches its artifacts by digest. What is there already is hashed
 * and kept, so an export that broke off is simply repeated; bundle.json comes last.
 */
export async function exportBundle(link: Link, request: ExportRequest, dir: string): Promise<Exported> {
  const { devices, selector, lifeMs } = request;
  const made = (await link.request('POST', 'bundles', {
    devices,
    expiresInMs: lifeMs,
    ...(selector === null ? {} : { selector }),
  })) as MadeBundle;
  const listed = peekBundle(made.bundle).files;
  const folder = new BundleFolder(dir);
  await folder.begin();
  const artifacts: BundleFile[] = [];
  for (const file of listed) {
    if (file.path.startsWith('artifacts/')) {
      artifacts.push(file);
      continue;
    }
    const text = Object.hasOwn(made.files, file.path) ? made.files[file.path] : undefined;
    if (text === undefined) throw new CodedError('BUNDLE_INCOMPLETE', `the server left out ${file.path}`);
    checkListed(file, Buffer.from(text));
    await folder.write(file.path, text);
  }
  const fetched = await fetchArtifacts(link, folder, artifacts);
  await folder.finish(made.bundle, listed);
  const { version, expiresAtMs } = made;
  const bytes = listed.reduce((sum, { length }) => sum + length, 0);
  return { version, expiresAtMs, devices: made.devices, files: listed.length, bytes, ...fetched };
}

async function fetchArtifacts(
  link: Link,
  folder: BundleFolder,
  artifacts: readonly BundleFile[],
): Promise<{ downloaded: number; downloadedBytes: number }> {
  const totalBytes = artifacts.reduce((sum, { length }) => sum + length, 0);
  let doneBytes = 0;
  let downloaded = 0;
  let downloadedBytes = 0;
  let shownAtMs = Date.now();
  for (const [i, file] of artifacts.entries()) {
    if (!(await folder.has(file))) {
      await folder.fetch(file, (from) => link.download(file.path, from));
      downloaded += 1;
      downloadedBytes += file.length;
    }
    doneBytes += file.length;
    if (Date.now() - shownAtMs < PROGRESS_MS) continue;
    shownAtMs = Date.now();
    link.progress(
      `${i + 1} of ${artifacts.length} files, ${megabytes(doneBytes)} of ${megabytes(totalBytes)}`,
    );
  }
  return { downloaded, downloadedBytes };
}

export const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;
