import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Document, isMap, parseDocument } from 'yaml';
import { writeDurably } from '../adapters/write-durably.ts';

interface NewProfile {
  readonly url: string;
  readonly token: string;
  readonly caFile?: string;
}

/**
 * Puts a profile into cli.yaml (0600) and leaves the others and all comments as they are. Without a name it is the
 * default one, `main` in a new file. Answers the name.
 */
export async function saveProfile(
  path: string,
  wanted: string | undefined,
  profile: NewProfile,
): Promise<string> {
  const document = await existing(path);
  const before: unknown = document.get('default');
  const name = wanted ?? (typeof before === 'string' ? before : 'main');
  if (before === undefined) document.set('default', name);
  const tokenFile = ['profiles', name, 'tokenFile'];
  if (document.hasIn(tokenFile)) document.deleteIn(tokenFile);
  for (const [key, value] of Object.entries(profile)) document.setIn(['profiles', name, key], value);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeDurably(path, document.toString(), 0o600);
  return name;
}

async function existing(path: string): Promise<Document> {
  try {
    // It has been read and checked before: the server of the sign-in came from it.
    const document = parseDocument(await readFile(path, 'utf8'));
    if (isMap(document.contents)) return document as Document;
  } catch (err) {
    if (!(err instanceof Error && 'code' in err && err.code === 'ENOENT')) throw err;
  }
  return new Document({ profiles: {} });
}
