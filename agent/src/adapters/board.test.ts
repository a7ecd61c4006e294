import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readBoard } from './board.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rf-board-'));
  for (const folder of ['etc', 'proc/device-tree']) mkdirSync(join(root, folder), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
const put = (path: string, text: string): void => writeFileSync(join(root, path), text);

it('tells a Jetson and a Raspberry Pi from what their distribution says', () => {
  put('etc/os-release', 'ID=ubuntu\nPRETTY_NAME="Ubuntu 22.04"\n');
  expect(readBoard(root, 'arm64')).toEqual({ kind: 'ubuntu', name: 'Ubuntu 22.04', arch: 'arm64' });
  put('etc/nv_tegra_release', '# R36');
  expect(readBoard(root, 'arm64').kind).toBe('jetson');
});

it('reads the board before the distribution, and says so when it knows neither', () => {
  expect(readBoard(root, 'x64')).toEqual({ kind: 'other', name: 'unknown', arch: 'x64' });
  put('etc/os-release', 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12"\n');
  put('proc/device-tree/model', 'Raspberry Pi 5 Model B\0');
  expect(readBoard(root, 'arm64')).toEqual({
    kind: 'raspberryPi',
    name: 'Raspberry Pi 5 Model B, Debian GNU/Linux 12',
    arch: 'arm64',
  });
});
