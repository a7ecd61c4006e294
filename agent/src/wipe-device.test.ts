import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { beginWipe, finishWipe, isWiping, wipesDone } from './wipe-device.ts';

const ORDER = { order: '01980000-0000-7000-8000-000000000009', expires: 9 };
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-wipe-'));
  for (const name of ['identity', 'blobs', 'slots', 'trust']) {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'file'), 'x');
  }
  writeFileSync(join(dir, 'control.db'), 'x');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('leaves nothing but the id of its order', async () => {
  await beginWipe(dir, ORDER);
  expect(await isWiping(dir)).toBe(true);
  await finishWipe(dir);
  expect(readdirSync(dir)).toEqual(['wiped-orders.json']);
  expect([await isWiping(dir), await wipesDone(dir)]).toEqual([false, [ORDER.order]]);
});

it('goes on where it was interrupted, whatever was erased by then, and the key always went first', async () => {
  await beginWipe(dir, ORDER);
  const all = readdirSync(dir).filter((name) => !name.startsWith('wip'));
  for (let erased = 0; erased <= all.length; erased += 1) {
    const copy = `${dir}-${erased}`;
    cpSync(dir, copy, { recursive: true });
    const order = all.toSorted((a, b) => Number(b === 'identity') - Number(a === 'identity'));
    for (const name of order.slice(0, erased)) rmSync(join(copy, name), { recursive: true });
    expect(existsSync(join(copy, 'identity'))).toBe(erased === 0);
    expect(await isWiping(copy)).toBe(true);
    await finishWipe(copy);
    expect(readdirSync(copy)).toEqual(['wiped-orders.json']);
    rmSync(copy, { recursive: true });
  }
});

it('is not under way where nobody began it, nor where there is no folder yet', async () => {
  expect([await isWiping(dir), await wipesDone(dir)]).toEqual([false, []]);
  expect(await isWiping(join(dir, 'none'))).toBe(false);
});
