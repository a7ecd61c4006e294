import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { providerOptions } from '../runner/providers/provider-options.ts';
import { FsEngines } from './engines-fs.ts';

const dir = mkdtempSync(join(tmpdir(), 'rf-engines-'));
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const digest = (n: number): string => `sha256:${String(n).repeat(64)}`;

it('keeps the engines of the releases that are here, wherever their provider put them, and no others', async () => {
  for (const [provider, n] of [
    ['tensorrt', 1],
    ['tensorrt', 2],
    ['openvino', 1],
    ['openvino', 3],
  ] as const) {
    const options = providerOptions(provider, {
      choice: { backend: 'ort-capi', cacheDir: dir },
      backend: { name: 'ort-capi', version: '1.30.0' },
      modelDigest: digest(n),
      variant: 'fp16',
      device: 'board',
      libraries: () => '',
    });
    writeFileSync(join(options['trt_engine_cache_path'] ?? options['cache_dir'] ?? '', 'engine'), 'compiled');
  }
  const engines = new FsEngines(dir);
  await engines.keepOnly(() => [digest(1), digest(3)]);
  expect(readdirSync(join(dir, 'tensorrt'))).toEqual(['1'.repeat(16)]);
  expect(readdirSync(join(dir, 'openvino')).toSorted()).toEqual(['1'.repeat(16), '3'.repeat(16)]);
  await engines.keepOnly(() => []);
  expect(readdirSync(join(dir, 'tensorrt'))).toEqual([]);
});

it('has nothing to do where nothing was compiled', async () => {
  mkdirSync(dir, { recursive: true });
  await expect(new FsEngines(join(dir, 'none')).keepOnly(() => [])).resolves.toBeUndefined();
});
