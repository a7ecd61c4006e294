import type { Capabilities } from '@ringfleet/shared/protocol';
import type { Manifest } from '@ringfleet/shared/release';
import { expect, it } from 'vitest';
import { fittingVariants } from './fitting-variants.ts';

const variant = (name: string, constraints: object, session: object = {}) => ({ name, constraints, session });
const manifest = {
  variants: [
    variant('int8-cpu', { providers: ['cpu'] }),
    variant('arm', { providers: ['cpu'], arch: ['arm64'] }),
    variant('gpu', { providers: ['cuda'] }),
    variant('gpu-or-cpu', { providers: ['cuda'] }, { fallback: 'allow' }),
    variant('gpu-only', { providers: ['cuda', 'cpu'] }, { fallback: 'forbid' }),
    variant('large', { providers: ['cpu'], memoryBytes: 2_000 }),
  ],
} as unknown as Manifest;
const ALL = manifest.variants.map(({ name }) => name);
const device = (changes: Partial<Capabilities> = {}): Capabilities => ({
  agentVersion: '1',
  arch: 'x64',
  os: 'linux',
  hostname: 'h',
  cpus: 1,
  memoryBytes: 1_000,
  diskFreeBytes: 1,
  runtime: { name: 'ort', version: '1.30.0' },
  providers: [{ name: 'cpu', state: 'ok' }],
  ...changes,
});

it('leaves out what the device cannot run by its last facts', () => {
  expect(fittingVariants(manifest, ALL, device())).toEqual(['int8-cpu', 'gpu-or-cpu']);
  const gpu = device({ arch: 'arm64', providers: [{ name: 'cuda', state: 'ok' }] });
  expect(fittingVariants(manifest, ALL, gpu)).toEqual(['gpu', 'gpu-or-cpu', 'gpu-only']);
  const broken = device({ providers: [{ name: 'cuda', state: 'loadFailed' }] });
  expect(fittingVariants(manifest, ['gpu', 'gpu-or-cpu'], broken)).toEqual(['gpu-or-cpu']);
});

it('takes all that are assigned where nothing is known, or nothing fits', () => {
  expect(fittingVariants(manifest, ['arm', 'gpu'], null)).toEqual(['arm', 'gpu']);
  expect(fittingVariants(manifest, ['arm', 'gpu'], device())).toEqual(['arm', 'gpu']);
});
