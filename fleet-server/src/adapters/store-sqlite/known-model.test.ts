import type { ModelTelemetry, StateReport } from '@ringfleet/shared/protocol';
import { expect, it } from 'vitest';
import { toDeviceModel, unknownModel, withBeat, withState } from './known-model.ts';

const running = { version: '1.3.0', variant: 'int8-cpu', digest: `sha256:${'a'.repeat(64)}` };
const journal = 'journal';
const beat: ModelTelemetry = {
  model: 'meter',
  phase: 'idle',
  running,
  isCommitted: true,
  answers: 3,
  failures: 0,
  rejected: 0,
  fallbacks: 0,
  runnerRestarts: 0,
  latencyUs: [],
  features: [],
};
const state = (phase: StateReport['phase'], isRunning: boolean): StateReport => ({
  model: 'meter',
  phase,
  from: 'idle',
  generation: 2,
  attempt: 1,
  ...(isRunning ? { running } : {}),
  isCommitted: isRunning,
  since: 0,
});
const shown = (...order: ('beat' | 'removed' | 'back')[]) => {
  let known = unknownModel('meter');
  for (const what of order) {
    // Written in start 1 before the removal, and sent, under a number of start 2, after it.
    if (what === 'beat') known = withBeat(known, beat, { journal, start: 2, seq: 1, atMs: 10 }, journal);
    else {
      const written = { journal, start: what === 'back' ? 2 : 1, seq: 5, atMs: what === 'back' ? 30 : 20 };
      known = withState(known, state(what === 'back' ? 'idle' : 'empty', what === 'back'), written, journal);
    }
  }
  return toDeviceModel('d1', known).running;
};

it('believes a removal whatever an older heartbeat says that was sent after a restart', () => {
  expect(shown('removed', 'beat')).toBeNull();
  expect(shown('beat', 'removed')).toBeNull();
});

it('believes the state report with which a removed model comes back', () => {
  expect(shown('removed', 'beat', 'back')).toEqual(running);
});
