import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkerOf, EpochMs, Uuid } from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';
import { syncFolder, writeDurably } from './adapters/durable-file.ts';

/** Stands while a wipe is under way: a start continues it. */
const MARKER = 'wiping.json';
/** What outlives a wipe: ids of orders, so that none is carried out twice when the device is enrolled again. */
const DONE = 'wiped-orders.json';

const Order = Type.Object({ order: Uuid, expires: EpochMs });
type Order = Static<typeof Order>;
const checkDone = checkerOf(Type.Array(Order, { maxItems: 10_000 }), DONE, 'STATE_INVALID');

/** From here on there is no way back; a crash at any point ends in an erased device. */
export async function beginWipe(stateDir: string, { order, expires }: Order): Promise<void> {
  const done = [...(await readDone(stateDir)), { order, expires }];
  await writeDurably(join(stateDir, DONE), JSON.stringify(done));
  await writeDurably(join(stateDir, MARKER), JSON.stringify({ order }));
}

export async function isWiping(stateDir: string): Promise<boolean> {
  return (await names(stateDir)).includes(MARKER);
}

/** Erases the key first, then all else. Idempotent: called again until it came to its end. */
export async function finishWipe(stateDir: string): Promise<void> {
  const all = (await names(stateDir)).filter((name) => name !== MARKER && name !== DONE);
  const keysFirst = all.toSorted((a, b) => Number(b === 'identity') - Number(a === 'identity'));
  for (const name of keysFirst) {
    await rm(join(stateDir, name), { recursive: true, force: true });
    await syncFolder(stateDir);
  }
  await rm(join(stateDir, MARKER), { force: true });
  await syncFolder(stateDir);
}

/** Ids of orders that were carried out here. */
export async function wipesDone(stateDir: string): Promise<readonly string[]> {
  return (await readDone(stateDir)).map(({ order }) => order);
}

async function readDone(stateDir: string): Promise<readonly Order[]> {
  const text = await readFile(join(stateDir, DONE), 'utf8').catch(noneIfMissing('[]'));
  return checkDone(JSON.parse(text));
}

const names = (stateDir: string): Promise<string[]> => readdir(stateDir).catch(noneIfMissing<string[]>([]));

const noneIfMissing =
  <T>(none: T) =>
  (err: unknown): T => {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return none;
    throw err;
  };
