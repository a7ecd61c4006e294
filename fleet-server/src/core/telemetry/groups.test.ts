import type { Capabilities } from '@ringfleet/shared/protocol';
import { describe, expect, it } from 'vitest';
import { hardwareOf } from './groups.ts';

describe('hardware', () => {
  const withProviders = (...providers: [string, 'ok' | 'notInstalled'][]) =>
    hardwareOf({
      capabilities: {
        arch: 'arm64',
        providers: providers.map(([name, state]) => ({ name, state })),
      } as unknown as Capabilities,
    });

  it('is the arch with what really works', () => {
    expect(withProviders(['cpu', 'ok'])).toBe('arm64/cpu');
    expect(withProviders(['cpu', 'ok'], ['cuda', 'notInstalled'], ['tensorrt', 'ok'])).toBe('arm64/tensorrt');
    expect(withProviders()).toBe('arm64/cpu');
  });

  it('is empty of a device that never spoke', () => {
    expect(hardwareOf({ capabilities: null })).toBe('');
  });
});
