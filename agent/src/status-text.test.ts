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
const idle: UpdateState = {
  ...common,
  phase: 'idle',
  committed: { ...release('1.0.0', 'a'), sinceMs: 0 },
};
const setback = {
  version: '1.1.0',
  code: 'RUNNER_CRASHED',
  reason: 'it crashed',
  phase: 'soaking' as const,
  atMs: 1,
};
const trial = { job, candidate: release('1.1.0', 'b'), boots: 0, cuts: 0, baseline: null };

const held: UpdateState = {
  ...idle,
  job,
  boots: 0,
  phase: 'offered',
  waiting: { code: 'HELD_AT_DEVICE', reason: '1.1.0 waits: held by Ann', untilMs: 3_610_000 },
};

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
    nowMs: 10_000,
    providers: { meter: 'cpu' },
    ...more,
  });

it.each<[string, UpdateState]>([
  ['meter: 1.0.0 answers (int8-cpu on cpu), since 1970-01-01 00:00:00 UTC (10 s ago)', idle],
  ['1.1.0 is being downloaded', { ...idle, ...trial, phase: 'downloading' }],
  ['meter: 1.1.0 answers (int8-cpu on cpu)', { ...idle, ...trial, phase: 'soaking' }],
  ['on trial, not committed yet; 1.0.0 stands by', { ...idle, ...trial, phase: 'soaking' }],
  ['on trial, not committed yet; nothing was here', { ...idle, ...trial, committed: null, phase: 'soaking' }],
  ['meter: nothing answers', { ...idle, ...trial, committed: null, phase: 'preflight' }],
  ['why       committed on evidence, the first release here', idle],
  ['why       committed on evidence, after 0.9.0', { ...idle, previous: release('0.9.0', 'c') }],
  ['why       committed without traffic, at its deadline', { ...idle, isUnexercised: true }],
  ['why       1.1.0 was rolled back (soaking): it crashed (RUNNER_CRASHED)', { ...idle, setback }],
  [
    'why       1.1.0 was refused before it went live (offered): too full (DISK_FULL)',
    { ...idle, setback: { ...setback, code: 'DISK_FULL', phase: 'offered', reason: 'too full' } },
  ],
  ['verdict     attention: a release of meter was given up', { ...idle, setback }],
  ['verdict     well: the assigned model answers', idle],
  ['verdict     busy: meter changes', { ...idle, ...trial, phase: 'soaking' }],
  ['next      1.1.0 waits: held by Ann, not before 1970-01-01 01:00:10 UTC (in 60 min)', held],
  ['to do     ', held],
  ['verdict     waiting: meter changes when it may (see next)', held],
])('says what runs, since when, why, and what comes next: %s', (expected, state) => {
  expect(text([state])).toContain(expected);
});

it('says when the server was heard, when it is asked again, and whether the clock is confirmed', () => {
  const contact = { lastMs: 4_000, nextMs: 70_000 };
  const away = text([idle], { isConnected: false, contact, clock: { signedAtMs: null, systemAheadMs: 0 } });
  expect(away).toContain('last heard 1970-01-01 00:00:04 UTC (6 s ago), next look 1970-01-01 00:01:10');
  expect(away).toContain('clock       not confirmed by the server since this start');
  const wrong = text([idle], { contact, clock: { signedAtMs: 0, systemAheadMs: -7_200_000 } });
  expect(wrong).toContain("UTC (10 s ago); the system's clock is 2 h off");
});

it('says what waits while the server is away, and that nothing is assigned', () => {
  const alone = text([], { isConnected: false, generation: 0, outbox: { rows: 3, bytes: 700 } });
  expect(alone).toContain('not connected: the device goes on, its reports wait');
  expect(alone).toContain('3 waiting (700 bytes)');
  expect(alone).toContain('none received yet');
  expect(alone).toContain('none assigned');
});

it('says which features break their schema, and which are far from their reference', () => {
  const drift = { value: 0.31, samples: 512 };
  const features = [
    { name: 'speed', violations: { missing: 0, outOfRange: 12, unknownCategory: 0, wrongType: 1 } },
    { name: 'load', drift },
    { name: 'calm', drift: { value: 0.02, samples: 512 } },
  ];
  const shown = text([idle], { watch: { meter: { degraded: 4, features } } });
  expect(shown).toContain('data      speed: 12 out of range, 1 of the wrong type\n');
  expect(shown).toContain('data      4 answers were marked as degraded\n');
  expect(shown).toContain('data      load: PSI 0.31 over 512 samples\n');
  expect(shown).not.toContain('calm');
});

it('says what is wrong with the inputs now', () => {
  const alarms = [
    { kind: 'drift', name: 'speed', value: 230, limit: 61.2, samples: 512, ageMs: 90_000 },
    { kind: 'missing', name: 'load', value: 0.4, limit: 0.05, ageMs: 0 },
    { kind: 'stale', value: 900_000, limit: 600_000, ageMs: 300_000 },
  ];
  const shown = text([idle], { watch: { meter: { degraded: 0, alarms, features: [] } } });
  expect(shown).toContain(
    'alarm: speed is not as in training (G 230 over 512 samples, allowed 61.2), for 1.5 min\n',
  );
  expect(shown).toContain('alarm: 40 % of load is missing, allowed 5 %, for 0 min\n');
  expect(shown).toContain('alarm: nobody has asked for 15 min, allowed 10 min\n');
});

it('says that the disk takes no writes, since when, and what to do', () => {
  const full = text([idle], { disk: { message: 'database or disk is full', sinceMs: 4_000 } });
  expect(full).toContain(
    'disk        takes no writes since 1970-01-01 00:00:04 UTC (6 s ago): database or disk',
  );
  expect(full).toContain('  to do     Free disk space, or replace the disk');
  expect(full).toContain('verdict     attention: the disk takes no writes, updates and reports wait');
});
