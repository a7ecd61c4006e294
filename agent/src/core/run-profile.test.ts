import { expect, it } from 'vitest';
import { settingsOf } from './run-profile.ts';

it.each([
  ['latency', undefined, 4, { intraOpThreads: 4, isSpinning: true, hasArena: true }],
  ['latency', undefined, 1, { intraOpThreads: 1, isSpinning: false, hasArena: true }],
  ['balanced', undefined, 4, { intraOpThreads: 1, isSpinning: false, hasArena: true }],
  ['balanced', 2, 4, { intraOpThreads: 2, isSpinning: false, hasArena: true }],
  ['power', 2, 4, { intraOpThreads: 1, isSpinning: false, hasArena: false }],
] as const)('%s with %s threads asked for on %i cores', (profile, asked, cores, settings) => {
  expect(settingsOf(profile, asked, cores)).toEqual(settings);
});
