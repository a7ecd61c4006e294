import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { providerNamed } from './registry.ts';

/** The libraries that a provider calls, and that are updated apart from it; their file names hold the version. */
const BEHIND: Readonly<Record<string, RegExp>> = {
  tensorrt: /^libnvinfer\.so(\.\d+)+$/,
  openvino: /^libopenvino\.so(\.\d+)+$/,
};
const TRIPLES: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/** Where the loader may find them: beside libonnxruntime, where the environment says, where packages put them. */
export function libraryFolders(beside: string, env: Readonly<Record<string, string | undefined>>): string[] {
  const packaged = [`/usr/lib/${TRIPLES[process.arch] ?? process.arch}`, '/usr/lib', '/usr/local/lib'];
  const vendor = ['/usr/local/tensorrt/lib', '/usr/local/cuda/lib64'];
  return [beside, ...(env['LD_LIBRARY_PATH'] ?? '').split(':'), ...packaged, ...vendor].filter(Boolean);
}

/**
 * Which libraries stand behind a provider, by name, size and date of their files: an engine that was compiled by other
 * ones must not be loaded. Not by asking them, which would mean to load them first. Empty where there is none.
 */
export function librariesBehind(provider: string, folders: readonly string[]): string {
  const [own, behind] = [providerNamed(provider)?.file, BEHIND[provider]];
  if (own === undefined && !behind) return '';
  const stamps = folders.flatMap((folder) =>
    namesIn(folder)
      .filter((name) => name === own || behind?.test(name))
      .map((name) => stampOf(folder, name)),
  );
  return [...new Set(stamps)].toSorted().join('|');
}

function stampOf(folder: string, name: string): string {
  try {
    const { size, mtimeMs } = statSync(join(folder, name));
    return `${name}:${size}:${Math.floor(mtimeMs)}`;
  } catch {
    // A link to a file that is gone.
    return `${name}:gone`;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
