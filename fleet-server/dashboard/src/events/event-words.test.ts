import { expect, it } from 'vitest';
import type { FleetEvent } from '../views.ts';
import { eventMark } from './event-words.ts';

const event = (over: Partial<FleetEvent>): FleetEvent => ({
  seq: 1,
  atMs: 0,
  kind: 'state',
  code: 'DEVICE_STATE',
  sentence: '',
  device: null,
  model: null,
  rollout: null,
  data: {},
  ...over,
});

it('marks what a transition means, not only that there was one', () => {
  expect(eventMark(event({ data: { from: 'preflight', to: 'idle', code: 'LOAD_FAILED' } })).tone).toBe('bad');
  expect(eventMark(event({ data: { from: 'soaking', to: 'idle', code: null } })).tone).toBe('ok');
  expect(eventMark(event({ data: { from: 'idle', to: 'offered', code: null } })).tone).toBe('quiet');
});

it.each([
  ['ROLLOUT_HALTED', 'bad'],
  ['ROLLOUT_RING_PASSED', 'ok'],
  ['ROLLOUT_PAUSED', 'warn'],
  ['DEVICE_DISCONNECTED', 'warn'],
  ['SOMETHING_NEW', 'moving'],
] as const)('marks %s as %s', (code, tone) => {
  expect(eventMark(event({ kind: 'rollout', code })).tone).toBe(tone);
});
