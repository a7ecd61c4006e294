import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { librariesBehind, libraryFolders } from './provider-files.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-files-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const write = (name: string, atS = 1_000): void => {
  writeFileSync(join(dir, name), 'x');
  utimesSync(join(dir, name), atS, atS);
};
const behind = (provider: string): string => librariesBehind(provider, [dir]);

it('tells an updated TensorRT or OpenVINO from the one before, though ONNX Runtime is the same', () => {
  expect(behind('tensorrt')).toBe('');
  write('libonnxruntime_providers_tensorrt.so');
  write('libnvinfer.so.10.3.0');
  const before = behind('tensorrt');
  expect(before).toContain('libnvinfer.so.10.3.0');
  expect(behind('tensorrt')).toBe(before);
  rmSync(join(dir, 'libnvinfer.so.10.3.0'));
  write('libnvinfer.so.10.4.0');
  expect(behind('tensorrt')).not.toBe(before);
  write('libopenvino.so.2520');
  const openvino = behind('openvino');
  write('libopenvino.so.2520', 2_000);
  expect(behind('openvino')).not.toBe(openvino);
});

it('looks at nothing for a provider that compiles nothing', () => {
  write('libnvinfer.so.10.3.0');
  expect(behind('cpu')).toBe('');
});

it('looks where the loader does', () => {
  expect(libraryFolders('/opt/ort', { LD_LIBRARY_PATH: '/opt/trt:' }).slice(0, 2)).toEqual([
    '/opt/ort',
    '/opt/trt',
  ]);
});
