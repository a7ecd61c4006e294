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

  it('name what is missing on this device', () => {
    expect(check({ providers: ['cpu'], arch: ['arm64'] })).toMatchObject({
      code: 'NO_VARIANT_FITS',
      sentence: 'a needs arm64, this device is x64',
    });
    expect(check({ providers: ['cpu'], os: ['win32'] })).toMatchObject({ ok: false });
    expect(check({ providers: ['cuda'] })).toMatchObject({ ok: false });
    expect(check({ providers: ['cpu'], runtime: '>=1.31.0' })).toMatchObject({ ok: false });
    expect(check({ providers: ['cpu'], memoryBytes: 2e9 })).toMatchObject({ ok: false });
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
