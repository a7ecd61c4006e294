import type { Manifest } from '@ringfleet/shared/release';
import { describe, expect, it } from 'vitest';
import { checkConstraints, type DeviceFacts, filesOf } from './constraints.ts';

type Constraints = Manifest['variants'][number]['constraints'];

const variant = (
  name: string,
  constraints: Constraints,
  fallback?: 'allow',
): Manifest['variants'][number] => ({
  name,
  entry: `${name}.onnx`,
  files: [`${name}.onnx`],
  constraints,
  session: fallback ? { fallback } : {},
  isProven: true,
});
const file = (path: string, sizeBytes: number): Manifest['files'][number] => ({
  path,
  sizeBytes,
  sha256: `sha256:${'0'.repeat(64)}`,
});
const manifestOf = (...variants: Manifest['variants']): Manifest =>
  ({
    version: '2.0.0',
    limits: { memoryBytes: 1000, loadMs: 1, inferMs: 1 },
    variants,
    files: [...variants.map((one) => file(one.entry, 1000)), file('conformance/000.req', 10)],
  }) as unknown as Manifest;

const here: DeviceFacts = {
  arch: 'x64',
  os: 'linux',
  providers: ['cpu'],
  runtime: '1.30.0',
  memoryBytes: 1e9,
  diskFreeBytes: 10_000,
  diskReserveBytes: 100,
};
const check = (constraints: Constraints, fallback?: 'allow') =>
  checkConstraints(manifestOf(variant('a', constraints, fallback)), ['a'], here);

describe('constraints', () => {
  it('take the first eligible variant that fits, in the order of the assignment', () => {
    const manifest = manifestOf(
      variant('gpu', { providers: ['cuda'] }),
      variant('fast', { providers: ['cpu'] }),
      variant('small', { providers: ['cpu'] }),
    );
    expect(checkConstraints(manifest, ['gpu', 'small', 'fast'], here)).toEqual({
      ok: true,
      variant: 'small',
    });
  });

  it.each<[string, Constraints, string]>([
    ['ARCH_UNSUPPORTED', { providers: ['cpu'], arch: ['arm64'] }, 'a needs arm64, this device is x64'],
    ['OS_UNSUPPORTED', { providers: ['cpu'], os: ['win32'] }, 'a needs win32, this device runs linux'],
    ['PROVIDER_UNSUPPORTED', { providers: ['cuda'] }, 'a needs provider cuda, here is cpu'],
    [
      'RUNTIME_UNSUPPORTED',
      { providers: ['cpu'], runtime: '>=1.31.0' },
      'a needs ONNX Runtime >=1.31.0, here is 1.30.0',
    ],
    [
      'MEMORY_TOO_SMALL',
      { providers: ['cpu'], memoryBytes: 2e9 },
      'a needs 2000000000 bytes of memory, here are 1000000000',
    ],
  ])('name what is missing on this device: %s', (code, constraints, sentence) => {
    expect(check(constraints)).toEqual({ ok: false, code, sentence });
  });

  it('name all reasons where variants fail for different ones', () => {
    const manifest = manifestOf(
      variant('gpu', { providers: ['cuda'] }),
      variant('arm', { providers: ['cpu'], arch: ['arm64'] }),
    );
    expect(checkConstraints(manifest, ['gpu', 'arm'], here)).toMatchObject({
      code: 'NO_VARIANT_FITS',
      sentence: 'gpu needs provider cuda, here is cpu; arm needs arm64, this device is x64',
    });
    expect(checkConstraints(manifest, ['other'], here)).toMatchObject({ code: 'NO_VARIANT_FITS' });
  });

  it('hold the release to its own memory limit where a variant names none', () => {
    const manifest = {
      ...manifestOf(variant('a', { providers: ['cpu'] })),
      limits: { memoryBytes: 2e9, loadMs: 1, inferMs: 1 },
    };
    expect(checkConstraints(manifest, ['a'], here)).toMatchObject({ code: 'MEMORY_TOO_SMALL' });
  });

  it('let a release ask for the one to come from, but not of an empty device', () => {
    const manifest = { ...manifestOf(variant('a', { providers: ['cpu'] })), minimumFrom: '1.5.0' };
    expect(checkConstraints(manifest, ['a'], here, '1.4.9')).toEqual({
      ok: false,
      code: 'MINIMUM_FROM_UNMET',
      sentence: '2.0.0 can follow 1.5.0 or newer, here is 1.4.9',
    });
    expect(checkConstraints(manifest, ['a'], here, '1.5.0')).toMatchObject({ ok: true });
    expect(checkConstraints(manifest, ['a'], here, null)).toMatchObject({ ok: true });
  });

  it('let a variant fall back to the processor only when it says so', () => {
    expect(check({ providers: ['cuda'] }, 'allow')).toMatchObject({ ok: true });
  });

  it('refuse a runtime range that cannot be read', () => {
    expect(check({ providers: ['cpu'], runtime: 'newest please' })).toMatchObject({ ok: false });
    expect(check({ providers: ['cpu'], runtime: '>=1.20.0 <2' })).toMatchObject({ ok: true });
  });

  it('ask for twice the size and the reserve', () => {
    const manifest = manifestOf(variant('a', { providers: ['cpu'] }));
    expect(checkConstraints(manifest, ['a'], { ...here, diskFreeBytes: 2119 })).toMatchObject({
      code: 'DISK_SPACE_LOW',
    });
    expect(checkConstraints(manifest, ['a'], { ...here, diskFreeBytes: 2120 })).toMatchObject({ ok: true });
  });

  it("leave out other variants' files", () => {
    const manifest = manifestOf(variant('a', { providers: ['cpu'] }), variant('b', { providers: ['cpu'] }));
    expect(filesOf(manifest, 'b').map((one) => one.path)).toEqual(['b.onnx', 'conformance/000.req']);
  });
});
