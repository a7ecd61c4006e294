import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { acceleratorName, type OptionsContext, providerOptions } from './provider-options.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-options-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const context = (over: Partial<OptionsContext> = {}): OptionsContext => ({
  choice: { backend: 'ort-capi', library: '/x.so', cacheDir: join(dir, 'engines') },
  backend: { name: 'ort-capi', version: '1.30.0' },
  modelDigest: 'sha256:aa',
  variant: 'fp16',
  device: 'board',
  libraries: () => 'libnvinfer.so.10.3.0',
  ...over,
});
const folderOf = (over: Partial<OptionsContext> = {}): string =>
  providerOptions('tensorrt', context(over))['trt_engine_cache_path'] ?? '';

it('keeps compiled engines apart per model, variant, library and device', () => {
  const folders = [
    folderOf(),
    folderOf({ modelDigest: 'sha256:bb' }),
    folderOf({ variant: 'int8' }),
    folderOf({ backend: { name: 'ort-capi', version: '1.31.0' } }),
    folderOf({ device: 'other board' }),
    folderOf({ libraries: () => 'libnvinfer.so.10.4.0' }),
  ];
  expect(new Set(folders).size).toBe(6);
  expect(folderOf()).toBe(folders[0]);
  expect(folders.every((folder) => existsSync(folder))).toBe(true);
  expect(providerOptions('openvino', context())['cache_dir']).toContain(join('engines', 'openvino'));
});

it('passes nothing to a back end that cannot pass it on', () => {
  expect(providerOptions('tensorrt', context({ backend: { name: 'ort-node', version: '1' } }))).toEqual({});
});

it('names board and graphics processors as the kernel does', () => {
  expect(acceleratorName(dir)).toBe('');
  mkdirSync(join(dir, 'driver/nvidia/gpus/0000:01:00.0'), { recursive: true });
  writeFileSync(join(dir, 'driver/nvidia/version'), 'NVRM version: 570\nGCC');
  writeFileSync(join(dir, 'driver/nvidia/gpus/0000:01:00.0/information'), 'Model: \t NVIDIA T4\nIRQ: 1');
  expect(acceleratorName(dir)).toBe('NVRM version: 570|NVIDIA T4');
});
