import { expect, it } from 'vitest';
import { flightsAt, paceAfter, type RunnerPace, roomAt, UNKNOWN_PACE } from './runner-pace.ts';

const after = (...tookMs: readonly number[]): RunnerPace => tookMs.reduce(paceAfter, UNKNOWN_PACE);
const FAST = after(...new Array(32).fill(0.05));

it('takes a runner that has answered nothing for a slow one', () => {
  expect([flightsAt(UNKNOWN_PACE), roomAt(UNKNOWN_PACE, 100)]).toEqual([2, 64]);
});

it('lets as many wait as are worked off in half a second, and a millisecond of them be with the runner', () => {
  expect([flightsAt(FAST), roomAt(FAST, 100)]).toEqual([8, 1_024]);
  const middling = after(...new Array(32).fill(2));
  expect([flightsAt(middling), roomAt(middling, 100)]).toEqual([2, 250]);
  const slow = after(...new Array(32).fill(40));
  expect([flightsAt(slow), roomAt(slow, 100)]).toEqual([2, 64]);
});

it('gives large requests no more places, however fast they are answered', () => {
  expect(roomAt(FAST, 16 * 1024)).toBe(1_024);
  expect(roomAt(FAST, 16 * 1024 + 1)).toBe(64);
});

it('does not take one answer that the machine held up for a model that became slow', () => {
  expect(roomAt(paceAfter(FAST, 400), 100)).toBe(1_024);
});

it('follows a model that did become slow within a few answers', () => {
  const slower = new Array(32).fill(20).reduce(paceAfter, FAST);
  expect(roomAt(slower, 100)).toBe(64);
});
