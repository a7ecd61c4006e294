import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stick } from './stick.ts';

let dir: string;
let stick: Stick;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rf-stick-'));
  mkdirSync(join(dir, 'metadata'));
  mkdirSync(join(dir, 'elsewhere'));
  writeFileSync(join(dir, 'elsewhere', 'secret'), 'secret');
  stick = await Stick.open(dir);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('a stick', () => {
  it('gives whole files, nothing for what is not there, and no more than asked for', async () => {
    writeFileSync(join(dir, 'metadata', 'a'), 'hello');
    expect(await stick.text('metadata/a', 5)).toBe('hello');
    expect(await stick.text('metadata/b', 5)).toBeNull();
    await expect(stick.text('metadata/a', 4)).rejects.toThrow(code('METADATA_TOO_LARGE'));
  });

  it('follows no link, neither of a file nor of a folder', async () => {
    symlinkSync(join(dir, 'elsewhere', 'secret'), join(dir, 'metadata', 'a'));
    symlinkSync(join(dir, 'elsewhere'), join(dir, 'acks'));
    await expect(stick.text('metadata/a', 99)).rejects.toThrow(code('BUNDLE_FILE_UNSAFE'));
    await expect(stick.text('acks/secret', 99)).rejects.toThrow(code('BUNDLE_FILE_UNSAFE'));
    await expect(stick.write('acks/b', 'x')).rejects.toThrow(code('BUNDLE_FILE_UNSAFE'));
    expect(readdirSync(join(dir, 'elsewhere'))).toEqual(['secret']);
  });

  it('does not wait for a pipe, and takes no folder for a file', async () => {
    spawnSync('mkfifo', [join(dir, 'metadata', 'pipe')]);
    mkdirSync(join(dir, 'metadata', 'folder'));
    await expect(stick.text('metadata/pipe', 99)).rejects.toThrow(code('BUNDLE_FILE_UNSAFE'));
    await expect(stick.text('metadata/folder', 99)).rejects.toThrow(code('BUNDLE_FILE_UNSAFE'));
  });

  it('writes over a link instead of through it', async () => {
    mkdirSync(join(dir, 'results'));
    symlinkSync(join(dir, 'elsewhere', 'secret'), join(dir, 'results', 'a.json'));
    await stick.write('results/a.json', 'report');
    expect(readFileSync(join(dir, 'results', 'a.json'), 'utf8')).toBe('report');
    expect(readFileSync(join(dir, 'elsewhere', 'secret'), 'utf8')).toBe('secret');
    expect(readdirSync(join(dir, 'results'))).toEqual(['a.json']);
  });
});
