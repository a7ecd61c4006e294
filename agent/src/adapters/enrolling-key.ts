import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkerOf, Id } from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';
import { v7 as uuidv7 } from 'uuid';
import { makeKey } from './device-key.ts';
import { writeDurably } from './durable-file.ts';

const EnrollingKey = Type.Object({
  id: Id,
  csr: Type.String({ maxLength: 8_192 }),
  keyPem: Type.String({ maxLength: 8_192 }),
});
type EnrollingKey = Static<typeof EnrollingKey>;
const check = checkerOf(EnrollingKey, 'enrolling.json', 'STATE_INVALID');
const fileOf = (stateDir: string): string => join(stateDir, 'enrolling.json');

/** The key of an enrollment, the same one when it is tried again: an approval given meanwhile stays good. */
export async function enrollingKey(stateDir: string, id: string | undefined): Promise<EnrollingKey> {
  const before = await readIfThere(stateDir);
  if (before && (id === undefined || id === before.id)) return before;
  const chosen = id ?? uuidv7();
  const key = { id: chosen, ...(await makeKey(chosen)) };
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await writeDurably(fileOf(stateDir), JSON.stringify(key));
  return key;
}

export const forgetEnrollingKey = (stateDir: string): Promise<void> => rm(fileOf(stateDir), { force: true });

async function readIfThere(stateDir: string): Promise<EnrollingKey | null> {
  try {
    return check(JSON.parse(await readFile(fileOf(stateDir), 'utf8')));
  } catch {
    // Not there, or cut off: a new key costs nothing before it is certified.
    return null;
  }
}
