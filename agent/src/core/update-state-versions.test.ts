import { describe, expect, it } from 'vitest';
import { readState } from './update-state.ts';

// As the first version of the agent wrote them.
const digest = (n: number): string => `sha256:${String(n).repeat(64)}`;
const installed = (n: number) => ({ version: `1.${n}.0`, digest: digest(n), variant: 'cpu', attempt: 0 });
const common = {
  v: 1,
  model: 'tiny',
  sinceMs: 5,
  generation: 2,
  failed: [],
  previous: null,
  isUnexercised: false,
};
const job = {
  version: '1.2.0',
  digest: digest(2),
  manifestBytes: 100,
  releaseCounter: 2,
  minReleaseCounter: 1,
  variants: ['cpu'],
  attempt: 0,
  generation: 2,
  soakMs: 1000,
  minInferences: 10,
  soakDeadlineMs: 60_000,
  installBefore: 1_000_000,
};
const moving = { ...common, committed: installed(1), job, candidate: installed(2), boots: 2 };
const FIRST_VERSION = [
  { ...common, phase: 'empty', committed: null, isAssigned: true },
  { ...common, phase: 'idle', committed: installed(1) },
  { ...common, phase: 'offered', committed: installed(1), job },
  ...['downloading', 'verifying', 'preflight', 'ready'].map((phase) => ({ ...moving, phase })),
  ...['activating', 'soaking'].map((phase) => ({
    ...moving,
    phase,
    baseline: { latencyUs: [1], classes: [2] },
  })),
  {
    ...common,
    phase: 'rollingBack',
    committed: installed(2),
    previous: installed(1),
    failure: { code: 'RELEASE_REGRESSED', reason: 'three exits', phase: 'idle' },
  },
  { ...common, phase: 'removing', committed: null },
];

describe('a state that the first version saved', () => {
  it.each(FIRST_VERSION.map((state) => [state.phase, state] as const))('is taken up: %s', (phase, state) => {
    const read = readState(JSON.parse(JSON.stringify(state)));
    expect(read).toMatchObject({ ...state, v: 2, phase });
    if ('job' in read) expect(read.boots).toBe('boots' in state ? 2 : 0);
  });

  it('is refused when it comes from a version after this one', () => {
    expect(() => readState({ ...FIRST_VERSION[1], v: 3 })).toThrow(
      expect.objectContaining({ code: 'STATE_INVALID', message: expect.stringContaining('version 3') }),
    );
  });
});
