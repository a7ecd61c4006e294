import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '@ringfleet/shared/release';
import { runProgram } from '../../../fleet-server/src/cli/main-program.ts';
import { registerReleaseCommands } from '../../../fleet-server/src/cli/release-commands.ts';
import { writeSource } from '../../../fleet-server/src/release-build/release-fixture.ts';

/** Which of them a release is tells its answer: each has weights of its own. */
export const VERSIONS = ['1.0.0', '1.1.0', '1.2.0'] as const;
export type Version = (typeof VERSIONS)[number];
/** The tiny model's scale of its int8 weights, and what becomes of it. */
const SCALES: Readonly<Record<Version, number>> = { '1.0.0': 0.02, '1.1.0': 0.03, '1.2.0': 0.04 };

export interface LabRelease {
  readonly version: string;
  readonly releaseCounter: number;
  readonly manifestSha256: string;
  readonly manifestBytes: number;
  /** All files, the manifest too, by bare hex. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Builds the releases with the project's own command, below `dir`. */
export async function buildReleases(dir: string): Promise<readonly LabRelease[]> {
  return Promise.all(VERSIONS.map((version, i) => buildRelease(join(dir, version), version, i + 1)));
}

/** Makes another release of one that is there: same files, another version; `change` edits its manifest. */
export function variantOf(
  release: LabRelease,
  version: string,
  releaseCounter: number,
  change: (manifest: Manifest) => Manifest = (one) => one,
): LabRelease {
  const bytes = release.files.get(release.manifestSha256);
  if (!bytes) throw new Error('a release holds its manifest');
  const manifest = change({ ...(JSON.parse(bytes.toString()) as Manifest), version });
  return releaseOf(version, releaseCounter, Buffer.from(JSON.stringify(manifest)), [
    ...release.files.values(),
  ]);
}

/** Replaces one file of a release by other bytes, and names them in its manifest. */
export function withFile(
  release: LabRelease,
  version: string,
  counter: number,
  path: string,
  bytes: Buffer,
): LabRelease {
  const changed = variantOf(release, version, counter, (manifest) => ({
    ...manifest,
    files: manifest.files.map((file) =>
      file.path === path ? { ...file, sha256: `sha256:${sha256(bytes)}`, sizeBytes: bytes.length } : file,
    ),
  }));
  return { ...changed, files: new Map([...changed.files, [sha256(bytes), bytes]]) };
}

async function buildRelease(dir: string, version: Version, releaseCounter: number): Promise<LabRelease> {
  const source = await writeSource(dir, (one) => Object.assign(one, { version }));
  for (const name of ['model.onnx', 'reference.onnx']) {
    const path = join(source, name);
    writeFileSync(path, withScale(readFileSync(path), SCALES[version]));
  }
  let said = '';
  const say = (text: string): void => {
    said += text;
  };
  const args = ['release', 'build', source, '--out', join(dir, 'dist')];
  const never = new AbortController().signal;
  const code = await runProgram([registerReleaseCommands], args, {}, { out: say, err: say }, never);
  if (code !== 0) throw new Error(`${version} was not built: ${said}`);
  const built = join(dir, 'dist', `tiny-${version}`);
  const manifest = readFileSync(join(built, 'manifest.json'));
  const { files } = JSON.parse(manifest.toString()) as Manifest;
  return releaseOf(
    version,
    releaseCounter,
    manifest,
    files.map(({ path }) => readFileSync(join(built, path))),
  );
}

function releaseOf(
  version: string,
  releaseCounter: number,
  manifest: Buffer,
  others: readonly Buffer[],
): LabRelease {
  return {
    version,
    releaseCounter,
    manifestSha256: sha256(manifest),
    manifestBytes: manifest.length,
    files: new Map([manifest, ...others].map((bytes) => [sha256(bytes), bytes])),
  };
}

/** Another scale of the same weights: the same classes, with other probabilities. */
function withScale(model: Buffer, scale: number): Buffer {
  const [from, to] = [Buffer.alloc(4), Buffer.alloc(4)];
  from.writeFloatLE(SCALES['1.0.0']);
  to.writeFloatLE(scale);
  const at = model.indexOf(from);
  if (at < 0) throw new Error('the tiny model has no such scale');
  const changed = Buffer.from(model);
  to.copy(changed, at);
  return changed;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
