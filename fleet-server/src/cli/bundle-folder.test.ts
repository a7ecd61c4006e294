import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BundleFolder, resultFiles } from './bundle-folder.ts';
import type { Download } from './context.ts';

const CONTENT = 'the weights of a model';
const sha256 = createHash('sha256').update(CONTENT).digest('hex');
const FILE = { path: `artifacts/sha256/${sha256}`, length: CONTENT.length, sha256 };
const code = (expected: string) => expect.objectContaining({ code: expected });

let dir: string;
let folder: BundleFolder;
let asked: number[];
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rf-bundle-'));
  folder = new BundleFolder(dir);
  asked = [];
  await folder.begin();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const serve =
  (content: string, failsAfter = Number.POSITIVE_INFINITY) =>
  async (from: number): Promise<Download> => {
    asked.push(from);
    async function* bytes(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(content.slice(from, failsAfter));
      if (failsAfter < content.length) throw new CodedError('SERVER_UNREACHABLE', 'the connection broke off');
    }
    return { startsAt: from, bytes: bytes() };
  };

describe('a bundle folder', () => {
  it('goes on where a download broke off, and names the file only when it is right', async () => {
    await expect(folder.fetch(FILE, serve(CONTENT, 5))).rejects.toThrow(code('SERVER_UNREACHABLE'));
    expect(await folder.has(FILE)).toBe(false);
    await folder.fetch(FILE, serve(CONTENT));
    expect(asked).toEqual([0, 5]);
    expect(await folder.has(FILE)).toBe(true);
  });

  it.each([
    ['other bytes', CONTENT.replace('weights', 'weightz')],
    ['more bytes', `${CONTENT}!`],
  ])('keeps nothing of %s than were signed for', async (_, content) => {
    await expect(folder.fetch(FILE, serve(content))).rejects.toThrow(code('BUNDLE_FILE_CORRUPT'));
    expect(existsSync(join(dir, FILE.path))).toBe(false);
    expect(existsSync(join(dir, `${FILE.path}.part`))).toBe(false);
  });

  it('is no bundle until it is finished, and keeps what is not ours and what devices wrote', async () => {
    writeFileSync(join(dir, 'holiday.jpg'), 'x');
    writeFileSync(join(dir, 'metadata', '1.targets.json'), 'old');
    writeFileSync(join(dir, 'results', 'edge-1.json'), '{}');
    await folder.finish('{}', [FILE]);
    await folder.begin();
    expect(existsSync(join(dir, 'bundle.json'))).toBe(false);
    await folder.finish('{"new":1}', []);
    expect(readFileSync(join(dir, 'bundle.json'), 'utf8')).toBe('{"new":1}');
    expect(existsSync(join(dir, 'holiday.jpg'))).toBe(true);
    expect(existsSync(join(dir, 'metadata', '1.targets.json'))).toBe(false);
    expect(await resultFiles(dir)).toEqual([{ name: 'edge-1.json', text: '{}' }]);
  });

  it('hashes what is there before it believes it, and writes through no link', async () => {
    writeFileSync(join(dir, FILE.path), CONTENT.replace('weights', 'weightz'));
    expect(await folder.has(FILE)).toBe(false);
    rmSync(join(dir, 'metadata'), { recursive: true });
    mkdirSync(join(dir, 'elsewhere'));
    symlinkSync(join(dir, 'elsewhere'), join(dir, 'metadata'));
    await expect(folder.begin()).rejects.toThrow(code('BUNDLE_FILE_UNSAFE'));
  });

  it('says where results are missing', async () => {
    await expect(resultFiles(dir)).rejects.toThrow(code('RESULTS_MISSING'));
  });
});
