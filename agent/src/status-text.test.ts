import { expect, it } from 'vitest';
import { emptyState, type UpdateState } from './core/update-state.ts';
import { statusText } from './status-text.ts';

const release = (version: string, digit: string) => ({
  version,
  digest: `sha256:${digit.repeat(64)}`,
  variant: 'int8-cpu',
  attempt: 1,
});
const job = {
  version: '1.1.0',
  digest: `sha256:${'b'.repeat(64)}`,
  manifestBytes: 1,
  releaseCounter: 2,
  minReleaseCounter: 1,
  variants: ['int8-cpu'],
  attempt: 1,
  generation: 2,
  soakMs: 1,
  minInferences: 1,
  soakDeadlineMs: 1,
  installBefore: 1,
};
const { isAssigned: _, ...common } = emptyState('meter', 0) as Extract<UpdateState, { phase: 'empty' }>;
const idle: UpdateState = { ...common, phase: 'idle', committed: release('1.0.0', 'a') };
const trial = { job, candidate: release('1.1.0', 'b'), boots: 0, cuts: 0, baseline: null };

const text = (models: readonly UpdateState[], more: object = {}): string =>
  statusText({
    version: '0.1.0',
    fleet: 'lab',
    device: 'd-1',
    http: 'http://127.0.0.1:8000',
    socket: '/run/v2.sock',
    isConnected: true,
    generation: 2,
    outbox: { rows: 0, bytes: 0 },
    models,
    ...more,
  });

it.each<[string, UpdateState]>([
  ['1.0.0 answers', idle],
  ['1.0.0 answers, 1.1.0 is being downloaded', { ...idle, ...trial, phase: 'downloading' }],
  ['1.1.0 answers on trial (soaking), 1.0.0 stands by', { ...idle, ...trial, phase: 'soaking' }],
  ['1.1.0 answers on trial (soaking)', { ...idle, ...trial, committed: null, phase: 'soaking' }],
  [
    'nothing answers yet, 1.1.0 is being tried out',
    { ...idle, ...trial, committed: null, phase: 'preflight' },
  ],
])('says which release answers now: %s', (expected, state) => {
  expect(text([state])).toMatch(new RegExp(`^model +meter: ${expected.replace(/[.()]/g, '\\$&')}$`, 'm'));
});

it('says what waits while the server is away, and that nothing is assigned', () => {
  const alone = text([], { isConnected: false, generation: 0, outbox: { rows: 3, bytes: 700 } });
  expect(alone).toContain('not connected: the device goes on, its reports wait');
  expect(alone).toContain('3 waiting (700 bytes)');
  expect(alone).toContain('none received yet');
  expect(alone).toContain('none assigned');
});
