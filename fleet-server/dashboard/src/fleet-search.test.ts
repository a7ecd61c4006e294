import { expect, it } from 'vitest';
import { readFleetSearch, sortingOf, sortText } from './fleet-search.ts';

it('keeps what it understands of an address and drops the rest', () => {
  expect(readFleetSearch({ search: 'cam', ring: 'canary', sort: '-answers', other: 1 })).toEqual({
    search: 'cam',
    ring: 'canary',
    sort: '-answers',
  });
  expect(readFleetSearch({ search: '', ring: ['x'], sort: '-passwords' })).toEqual({});
});

it('takes a search that looks like a number as text', () => {
  expect(readFleetSearch({ search: 12 })).toEqual({ search: '12' });
});

it('writes a sort the way it reads it, and leaves the default out', () => {
  expect(sortingOf('-seen')).toEqual({ id: 'seen', desc: true });
  expect(sortText({ id: 'seen', desc: true })).toBe('-seen');
  expect(sortText({ id: 'device', desc: false })).toBeUndefined();
  expect(sortingOf(undefined)).toEqual({ id: 'device', desc: false });
});
