import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTable } from './csv-table.ts';

const inputs = { x: ['a', 'b'], y: ['c'] };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csv-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function read(text: string, label: string | null = 'label') {
  const file = join(folder, 'data.csv');
  await writeFile(file, text);
  return await readTable(file, inputs, label);
}

describe('CSV table', () => {
  it('reads named columns in the order of the release, whatever their order in the file', async () => {
    const table = await read('\ufefflabel,c,b,a,other\r\n"one, two",3,-2.5,1e1,x\r\n\r\ntwo,.5,0,+7,y\r\n');
    expect(table.rows).toBe(2);
    expect(Array.from(table.inputs.get('x') ?? [])).toEqual([10, -2.5, 7, 0]);
    expect(Array.from(table.inputs.get('y') ?? [])).toEqual([3, 0.5]);
    expect(table.labels).toEqual(['one, two', 'two']);
  });

  it.each([
    ['a missing column', 'a,b,label\n1,2,x\n', 'line 1: there is no column c'],
    ['a missing label column', 'a,b,c\n1,2,3\n', 'line 1: there is no column label'],
    ['two columns of one name', 'a,a,b,c,label\n1,1,2,3,x\n', 'line 1: two columns'],
    ['text in place of a number', 'a,b,c,label\n1,2,3,x\n1,two,3,x\n', 'line 3: b is "two"'],
    ['an empty cell', 'a,b,c,label\n1,,3,x\n', 'line 2: b is ""'],
    ['not a number', 'a,b,c,label\nNaN,2,3,x\n', 'line 2: a is "NaN"'],
    ['a number beyond doubles', 'a,b,c,label\n1e999,2,3,x\n', 'line 2: a is "1e999"'],
    ['a row cut off', 'a,b,c,label\n1,2,3,x\n1,2', 'line 3:'],
    ['an open quote', 'a,b,c,label\n1,2,3,"x\n', 'line'],
    ['no rows', 'a,b,c,label\n', 'has no rows'],
    ['nothing', '', 'has no rows'],
  ])('refuses %s, naming the line', async (_, text, message) => {
    await expect(read(text)).rejects.toThrow(
      expect.objectContaining({ code: 'RELEASE_SOURCE_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
