import { describe, expect, it } from 'vitest';
import { computeMembership, ringsOf } from './membership.ts';
import { device, ring } from './rollout/fake-fleet.ts';
import { shareHash, shareSize } from './share-hash.ts';

const four = ['a', 'b', 'c', 'd'].map((id) => device(id, { labels: { site: id < 'c' ? 'x' : 'y' } }));

describe('ring membership', () => {
  it('rounds 10 % of 4 up to 1', () => {
    const { members } = computeMembership(
      [ring('canary', 1, { shareBasisPoints: 1_000 }), ring('fleet', 2, { selector: '' })],
      four,
    );
    expect(members.get('canary')).toHaveLength(1);
    expect(members.get('fleet')).toHaveLength(3);
  });

  it.each([
    [1_000, 4, 1],
    [1, 1_000_000, 100],
    [2_500, 5, 2],
    [10_000, 7, 7],
    [5_000, 0, 0],
    [1, 1, 1],
  ])('a share of %i basis points of %i devices is %i', (basisPoints, n, size) =>
    expect(shareSize(basisPoints, n)).toBe(size),
  );

  it('takes explicit devices, then the selector; the first ring wins and the overlap is reported', () => {
    const membership = computeMembership(
      [ring('fleet', 2, { selector: '' }), ring('canary', 1, { devices: ['d'], selector: 'site=x' })],
      four,
    );
    expect(Object.fromEntries(membership.members)).toEqual({ canary: ['a', 'b', 'd'], fleet: ['c'] });
    expect(ringsOf(membership, 'a')).toEqual(['canary', 'fleet']);
    expect(ringsOf(membership, 'c')).toEqual(['fleet']);
    expect([...membership.overlaps.keys()].toSorted()).toEqual(['a', 'b', 'd']);
  });

  it('reports orphans and leaves out devices that are not active', () => {
    const membership = computeMembership(
      [ring('canary', 1, { selector: 'site=x' })],
      [...four, device('gone', { status: 'revoked', labels: { site: 'x' } })],
    );
    expect(membership.orphans).toEqual(['c', 'd']);
    expect(membership.members.get('canary')).toEqual(['a', 'b']);
  });

  it('draws a share from those that earlier rings left, never from all', () => {
    const { members } = computeMembership(
      [ring('first', 1, { devices: ['a', 'b'] }), ring('half', 2, { shareBasisPoints: 5_000 })],
      four,
    );
    expect(members.get('half')).toHaveLength(1);
    expect(['c', 'd']).toContain(members.get('half')?.[0]);
  });

  it('a ring without selector, share and devices is empty', () => {
    expect(computeMembership([ring('none', 1)], four).members.get('none')).toEqual([]);
  });

  it('spreads ids that differ in one character evenly', () => {
    const low = Array.from({ length: 10_000 }, (_, i) => shareHash('canary', `device-${i}`)).filter(
      (hash) => hash < 2 ** 32 / 10,
    );
    expect(low.length).toBeGreaterThan(900);
    expect(low.length).toBeLessThan(1_100);
  });

  it('draws other devices for another ring name', () => {
    const devices = Array.from({ length: 100 }, (_, i) => device(`d${i}`));
    const draw = (name: string) =>
      computeMembership([ring(name, 1, { shareBasisPoints: 1_000 })], devices).members.get(name);
    expect(draw('one')).not.toEqual(draw('two'));
    expect(draw('one')).toEqual(draw('one'));
  });
});
