import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Debian's names of architectures, and Node's. */
export const ARCHES = { amd64: 'x64', arm64: 'arm64' } as const;
export type DebArch = keyof typeof ARCHES;

const DEBIAN_PACKAGE_OF: Readonly<Record<string, string>> = { 'dpkg-deb': 'dpkg', tar: 'tar', git: 'git' };

/** Runs a tool of the system; throws a sentence when it is missing or fails. */
export function runTool(
  tool: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(tool, args, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error && 'code' in error && error.code === 'ENOENT') {
    throw new Error(
      `packages are built with ${tool}; install the Debian package ${DEBIAN_PACKAGE_OF[tool] ?? tool}`,
    );
  }
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}
