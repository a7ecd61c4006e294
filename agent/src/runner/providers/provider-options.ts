import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { engineFolder } from '../../core/engine-folder.ts';
import type { Backend, BackendChoice } from '../backends/backend.ts';

export interface OptionsContext {
  readonly choice: BackendChoice;
  readonly backend: Pick<Backend, 'name' | 'version'>;
  /** Of the libraries behind the provider, which are updated apart from ONNX Runtime (see provider-files.ts). */
  readonly libraries: (provider: string) => string;
  /** sha256 of the manifest. */
  readonly modelDigest: string;
  readonly variant: string;
  /** What the engines are compiled for; other hardware must never read them. */
  readonly device: string;
}

/**
 * The library's options of a provider. Compiled engines are kept per model, library and device, so that neither an
 * update nor a moved disk ever loads an engine that was made for something else. `ort-node` cannot pass options on.
 */
export function providerOptions(provider: string, context: OptionsContext): Readonly<Record<string, string>> {
  const { choice, backend } = context;
  if (backend.name !== 'ort-capi') return {};
  const folder = choice.cacheDir
    ? join(choice.cacheDir, provider, engineFolder(context.modelDigest), cacheKey(provider, context))
    : undefined;
  switch (provider) {
    case 'tensorrt':
      if (!folder) return { device_id: '0' };
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return {
        device_id: '0',
        trt_engine_cache_enable: '1',
        trt_engine_cache_path: folder,
        trt_timing_cache_enable: '1',
        trt_timing_cache_path: folder,
      };
    case 'openvino':
      if (!folder) return { device_type: 'AUTO' };
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return { device_type: 'AUTO', cache_dir: folder };
    case 'cuda':
      return { device_id: '0' };
    default:
      return {};
  }
}

export function cacheKey(
  provider: string,
  { modelDigest, variant, backend, libraries, device }: OptionsContext,
): string {
  const parts = [provider, modelDigest, variant, backend.version, libraries(provider), device];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** Board and graphics processors by what the kernel says; empty where it says nothing. */
export function acceleratorName(root = '/proc'): string {
  const read = (path: string): string => {
    try {
      return readFileSync(join(root, path), 'utf8');
    } catch {
      return '';
    }
  };
  let gpus: string[] = [];
  try {
    gpus = readdirSync(join(root, 'driver/nvidia/gpus')).toSorted();
  } catch {
    // No driver of that kind.
  }
  const drivers = gpus.length > 0 ? [read('driver/nvidia/version').split('\n')[0] ?? ''] : [];
  const models = gpus.map(
    (gpu) => /Model:\s*(.+)/.exec(read(`driver/nvidia/gpus/${gpu}/information`))?.[1] ?? gpu,
  );
  return [read('device-tree/model').replace(/\0/g, ''), ...drivers, ...models].filter(Boolean).join('|');
}
