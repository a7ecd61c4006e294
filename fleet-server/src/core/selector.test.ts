import { describe, expect, it } from 'vitest';
import { device } from './rollout/fake-fleet.ts';
import { matches, parseSelector } from './selector.ts';

const arm = {
  agentVersion: '0.1.0',
  arch: 'arm64',
  os: 'linux',
  hostname: 'h',
  cpus: 4,
  memoryBytes: 1,
  diskFreeBytes: 1,
  runtime: { name: 'onnxruntime', version: '1.30.0' },
  providers: [{ name: 'cuda', state: 'loadFailed' as const }],
};
const pump = device('pump', { labels: { site: 'hall-2', tier: 'x', test: '' }, capabilities: arm });
const holds = (text: string): boolean => matches(parseSelector(text), pump);

describe('selector', () => {
  it.each([
    'site=hall-2',
    'site==hall-2',
    'site!=hall-3',
    'absent!=anything',
    'tier in (x,y)',
    'tier notin (z)',
    'test',
    'test=',
    '!missing',
    ' site = hall-2 , tier in ( x , y ) , !missing ',
    'fact.arch=arm64,fact.provider.cuda!=ok,fact.runtime.version=1.30.0',
    '',
  ])('"%s" holds', (text) => expect(holds(text)).toBe(true));

  it.each([
    'site=hall-3',
    'site!=hall-2',
    'tier in (y)',
    'tier notin (x)',
    '!test',
    'missing',
    'fact.arch=x64',
    'site=hall-2,tier=y',
  ])('"%s" does not hold', (text) => expect(holds(text)).toBe(false));

  it('takes facts from the device only: a label cannot claim one', () => {
    const liar = device('liar', { labels: { 'fact.arch': 'arm64' } });
    expect(matches(parseSelector('fact.arch=arm64'), liar)).toBe(false);
  });

  it.each([
    ['site=a,,b', 8],
    ['site in x', 9],
    ['site in (x', 11],
    ['=a', 1],
    ['a b', 3],
    ['a=b;c', 4],
    ['a,', 3],
    ['a > 3', 3],
    ['a=-b', 3],
  ])('refuses "%s" at position %i', (text, position) => {
    expect(() => parseSelector(text)).toThrow(
      expect.objectContaining({ code: 'SELECTOR_INVALID', at: `selector:${position}` }),
    );
  });
});
