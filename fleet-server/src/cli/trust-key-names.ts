import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keyIdOf, readPublicKeyFile } from '@ringfleet/shared/trust';

/** The names people gave to keys, by key id: `NAME.pub.json` of a folder. What is no public key is passed over. */
export async function keyNamesIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const file of await readdir(folder).catch(() => [] as string[])) {
    const name = /^(.+)\.pub\.json$/.exec(file)?.[1];
    if (name === undefined) continue;
    try {
      const key = readPublicKeyFile(JSON.parse(await readFile(join(folder, file), 'utf8')));
      names.set(keyIdOf(key), name);
    } catch {
      // Only a name to show is lost.
    }
  }
  return names;
}

/** How a key is shown to a person: its name where it has one, and enough of its id to compare. */
export function keyLabel(keyid: string, names: ReadonlyMap<string, string>): string {
  const name = names.get(keyid);
  return name === undefined ? keyid.slice(0, 16) : `${name} (${keyid.slice(0, 16)})`;
}
