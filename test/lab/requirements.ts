import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const TOOLS = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  losetup: 'mount',
  'mkfs.ext4': 'e2fsprogs',
  ip: 'iproute2',
} as const;

/**
 * Why no box can be booted here, in one sentence; null when one can. A test that needs one:
 * `describe.skipIf(whyNoLab())` after `sayWhySkipped(...)`, so that a skip is never silent.
 */
export function whyNoLab(more: Readonly<Record<string, string>> = {}): string | null {
  if (process.platform !== 'linux') return 'a box needs Linux';
  if (process.getuid?.() !== 0) return 'a box needs root: it makes namespaces and mounts';
  if (!existsSync('/lib/systemd/systemd')) return 'a box needs the Debian package systemd';
  for (const [tool, from] of Object.entries({ ...TOOLS, ...more })) {
    if (!isOnPath(tool)) return `a box needs ${tool}, of the Debian package ${from}`;
  }
  return null;
}

/** Prints the reason of a skip once, and hands it on. */
export function sayWhySkipped(what: string, why: string | null): string | null {
  if (why !== null) process.stderr.write(`SKIPPED ${what}: ${why}\n`);
  return why;
}

function isOnPath(tool: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, tool)));
}
