import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { nameOfLibraryProvider } from '../providers/registry.ts';

const MAX_PROFILE_BYTES = 64 * 1024 * 1024;

/** Reads and removes the profile that a session wrote with this prefix: nodes that ran, per provider of the registry. */
export async function readNodeCounts(prefix: string): Promise<Record<string, number> | undefined> {
  const folder = dirname(prefix);
  const files = (await readdir(folder)).filter((file) => file.startsWith(basename(prefix)));
  const texts: string[] = [];
  for (const file of files) {
    const path = join(folder, file);
    const bytes = await readFile(path);
    if (bytes.length <= MAX_PROFILE_BYTES) texts.push(bytes.toString('utf8'));
    await rm(path, { force: true });
  }
  return texts[0] === undefined ? undefined : countNodes(texts[0]);
}

/** A node that ran several times counts once; undefined when no node ran, or the text is no profile. */
export function countNodes(profile: string): Record<string, number> | undefined {
  let events: unknown;
  try {
    events = JSON.parse(profile);
  } catch {
    // A process that ended while it wrote leaves half a file, which says nothing.
    return undefined;
  }
  const providers = new Map<string, string>();
  for (const event of Array.isArray(events) ? (events as unknown[]) : []) {
    const { cat, name, args } = (event ?? {}) as {
      cat?: unknown;
      name?: unknown;
      args?: { provider?: unknown };
    };
    if (cat !== 'Node' || typeof name !== 'string' || typeof args?.provider !== 'string') continue;
    providers.set(name.replace(/_kernel_time$/, ''), nameOfLibraryProvider(args.provider));
  }
  if (providers.size === 0) return undefined;
  const counts: Record<string, number> = {};
  for (const provider of providers.values()) counts[provider] = (counts[provider] ?? 0) + 1;
  return counts;
}
