import { expect, it } from 'vitest';
import { sharesByModel } from './release-share.ts';

it('groups by model, newest release first, and leaves out what runs nowhere', () => {
  const shares = sharesByModel([
    { model: 'tiny', version: '1.9.0', devices: 2 },
    { model: 'tiny', version: '1.10.0', devices: 1 },
    { model: 'tiny', version: '0.1.0', devices: 0 },
    { model: 'keyword', version: '2.0.0', devices: 3 },
  ]);
  expect(shares.map(({ model, devices }) => [model, devices])).toEqual([
    ['keyword', 3],
    ['tiny', 3],
  ]);
  expect(shares[1]?.releases.map(({ version }) => version)).toEqual(['1.10.0', '1.9.0']);
});
