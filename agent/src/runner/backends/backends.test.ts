import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findRuntimeLibrary } from '../../adapters/runtime-library.ts';
import { ONE_THREAD } from '../../core/run-profile.ts';
import { fixturePath } from '../tiny-slot.fixture.ts';
import { describeBackend } from './backend.contract.ts';
import { openBackend } from './open-backend.ts';

process.env['ORT_DISABLE_TELEMETRY'] = '1';

describeBackend('onnxruntime-node', () => openBackend());

const bundled = findRuntimeLibrary({ backend: 'ort-node' }).file;
if (bundled) {
  describeBackend('the C API of the library inside onnxruntime-node', () =>
    openBackend({ backend: 'ort-capi', library: bundled }),
  );
} else {
  process.stderr.write('The C API is not tested: onnxruntime-node brings no library for this machine.\n');
}

/** Where Debian's libonnxruntime puts its library, and any other that the tester names. */
const others = [
  ...['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu'].flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((file) => /^libonnxruntime\.so\.\d+$/.test(file))
          .map((file) => join(folder, file))
      : [],
  ),
  ...(process.env['RINGFLEET_TEST_LIBONNXRUNTIME'] ?? '').split(':').filter(Boolean),
];
for (const library of others) {
  describeBackend(`the C API of ${library}`, () => openBackend({ backend: 'ort-capi', library }));
}
if (others.length === 0) {
  process.stderr.write(
    'The C API of a system library is not tested: none is installed; set RINGFLEET_TEST_LIBONNXRUNTIME to one.\n',
  );
}

describe.skipIf(!bundled)('options for providers whose own libraries are missing', () => {
  it.each([
    ['cuda', { device_id: '0' }, /load/i],
    ['tensorrt', { device_id: '0', trt_engine_cache_enable: '1' }, /load/i],
    ['openvino', { device_type: 'AUTO' }, /OpenVINO/],
  ])(
    'end in what the library says of %s, not in the end of the process',
    async (provider, providerOptions, says) => {
      const backend = await openBackend({ backend: 'ort-capi', library: bundled ?? '' });
      const options = { provider, providerOptions, isStrict: true, settings: ONE_THREAD };
      await expect(backend.open(fixturePath('tiny.onnx'), options)).rejects.toMatchObject({
        code: 'MODEL_LOAD_FAILED',
        message: expect.stringMatching(says),
      });
    },
  );
});

describe('a library that is none', () => {
  it('is refused with its path and the reason', async () => {
    const opening = openBackend({ backend: 'ort-capi', library: import.meta.filename });
    await expect(opening).rejects.toMatchObject({
      code: 'RUNTIME_LIBRARY_UNUSABLE',
      message: expect.stringContaining(import.meta.filename),
    });
  });
});
