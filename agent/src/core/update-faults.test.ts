import { describe, expect, it } from 'vitest';
import { effectsOf, keptOf, provenOnly } from './update-effects.ts';
import { BOOT_LIMIT, CUT_LIMIT, next, type UpdateEvent } from './update-machine.ts';
import { emptyState, type Job, keyOf, readState, type UpdateState } from './update-state.ts';

const digest = (n: number): string => `sha256:${String(n).repeat(64)}`;
const jobOf = (n: number, changes: Partial<Job> = {}): Job => ({
  version: `1.${n}.0`,
  digest: digest(n),
  manifestBytes: 100,
  releaseCounter: n,
  minReleaseCounter: 1,
  variants: ['cpu'],
  attempt: 0,
  generation: n,
  soakMs: 1000,
  minInferences: 10,
  soakDeadlineMs: 60_000,
  installBefore: 1_000_000,
  ...changes,
});
const evidence = { answers: 20, failures: 0, fallbacks: 0, soakedMs: 1000 };
const way = (job: Job): readonly UpdateEvent[] => {
  const key = keyOf(job);
  return [
    { type: 'assigned', job, nowMs: 1 },
    { type: 'accepted', key, variant: 'cpu', nowMs: 2 },
    { type: 'downloaded', key, nowMs: 3 },
    { type: 'verified', key, nowMs: 4 },
    { type: 'preflightPassed', key, nowMs: 5 },
    { type: 'shadowStarted', key, nowMs: 6 },
    { type: 'windowOpened', key, nowMs: 7 },
    { type: 'activated', key, baseline: null, nowMs: 8 },
    { type: 'soakPassed', key, isUnexercised: false, evidence, nowMs: 9 },
  ];
};
const play = (start: UpdateState, events: readonly UpdateEvent[]): UpdateState =>
  events.reduce((state, event) => next(state, event).state, start);

const job = jobOf(3);
const onTwo = play(play(emptyState('tiny', 0), way(jobOf(1))), way(jobOf(2)));
const regressed: UpdateEvent = {
  type: 'regressed',
  digest: digest(2),
  code: 'RELEASE_REGRESSED',
  reason: 'three exits',
  nowMs: 20,
};
/** Every phase in which a device with a proven release can be hit, and how it got there. */
const STATES: Readonly<Record<string, UpdateState>> = {
  idle: onTwo,
  offered: play(onTwo, way(job).slice(0, 1)),
  'offered and held': play(onTwo, [
    ...way(job).slice(0, 1),
    { type: 'waits', key: keyOf(job), waiting: { code: 'HELD_AT_DEVICE', reason: 'held' }, nowMs: 2 },
  ]),
  downloading: play(onTwo, way(job).slice(0, 2)),
  verifying: play(onTwo, way(job).slice(0, 3)),
  preflight: play(onTwo, way(job).slice(0, 4)),
  ready: play(onTwo, way(job).slice(0, 5)),
  shadow: play(onTwo, way(job).slice(0, 6)),
  activating: play(onTwo, way(job).slice(0, 7)),
  soaking: play(onTwo, way(job).slice(0, 8)),
  rollingBack: next(onTwo, regressed).state,
};

const fails = (code: string): readonly UpdateEvent[] => [
  { type: 'failed', key: keyOf(job), code, reason: 'it went wrong', nowMs: 50 },
];
const boots = (lastEnd: 'clean' | 'crash' | 'powerCut', n: number): readonly UpdateEvent[] =>
  Array<UpdateEvent>(n).fill({ type: 'booted', lastEnd, nowMs: 50 });
/** What hits the device. A hang is a step that never answers, until something else happens. */
const FAULTS: Readonly<Record<string, readonly UpdateEvent[]>> = {
  'error of the release': fails('MODEL_LOAD_FAILED'),
  'error of the bytes': fails('ARTIFACT_CORRUPT'),
  'error of the disk': fails('DISK_SPACE_LOW'),
  'error, then killed': [...fails('SLOT_CORRUPT'), ...boots('crash', 1)],
  'killed once': boots('crash', 1),
  'killed up to the limit': boots('crash', BOOT_LIMIT),
  'killed above the limit': boots('crash', BOOT_LIMIT + 1),
  'power cut once': boots('powerCut', 1),
  'power cut up to the limit': boots('powerCut', CUT_LIMIT),
  'power cut above the limit': boots('powerCut', CUT_LIMIT + 1),
  'killed and cut in turn': [...boots('crash', 2), ...boots('powerCut', 3), ...boots('crash', 1)],
  'stopped in order': boots('clean', 9),
  'hang, then a newer release': [{ type: 'assigned', job: jobOf(4), nowMs: 60 }],
  'hang, then back to the proven one': [{ type: 'assigned', job: jobOf(2, { generation: 9 }), nowMs: 60 }],
  'hang, then killed': boots('crash', 1),
  'a late result of an older try': [
    { type: 'failed', key: `${job.digest}#99`, code: 'MODEL_LOAD_FAILED', reason: 'late', nowMs: 60 },
    { type: 'verified', key: `${digest(9)}#0`, nowMs: 60 },
  ],
  'the proven one regresses': [regressed],
};
const CASES = Object.keys(STATES).flatMap((state) =>
  Object.keys(FAULTS).map((fault) => [state, fault] as const),
);

/** Ends what is under way: everything goes well from here. */
function finish(state: UpdateState): UpdateState {
  let now = state;
  for (let i = 0; i < 20; i += 1) {
    if (now.phase === 'rollingBack') now = next(now, { type: 'rolledBack', nowMs: 90 }).state;
    if (!('job' in now)) return now;
    const key = keyOf(now.job);
    now = play(
      now,
      way(now.job)
        .slice(1)
        .map((event) => ({ ...event, key }) as UpdateEvent),
    );
  }
  return now;
}

it.each(Object.entries(STATES))(
  '%s: after a start, what is proven answers before anything is saved',
  (from, state) => {
    const { active, fallback, spare, isTrial } = provenOnly(state);
    expect(active?.version).toBe(from === 'rollingBack' ? '1.1.0' : '1.2.0');
    expect([fallback, spare, isTrial]).toEqual([null, null, false]);
  },
);

describe(`${CASES.length} faults in every state`, () => {
  it.each(CASES)('%s: %s', (from, fault) => {
    const before = STATES[from] as UpdateState;
    const hit = play(before, FAULTS[fault] ?? []);
    // What is on the disk is the whole truth: it can be read again and asks for the same.
    const saved = readState(JSON.parse(JSON.stringify(hit)));
    expect(effectsOf(saved)).toEqual(effectsOf(hit));
    // A proven release is there, answers, and neither it nor what it could go back to may be collected.
    const { serve } = effectsOf(saved);
    expect([serve.active, serve.fallback].map((one) => one?.version)).toContainEqual(
      expect.stringMatching(/^1\.[12]\.0$/),
    );
    const kept = keptOf(saved).map((one) => one.version);
    for (const one of [serve.active, serve.fallback, saved.committed, saved.previous])
      if (one) expect(kept).toContain(one.version);
    // A release that is not proven answers only while it is watched, with the proven one beside it.
    if (serve.active?.digest === digest(3))
      expect(serve).toMatchObject({ isTrial: true, fallback: { version: '1.2.0' } });
    // It comes to rest: on the old release, on the newer one, or on the one of this try.
    const end = finish(saved);
    expect(end.phase).toBe('idle');
    expect(end.committed?.version).toMatch(/^1\.[1234]\.0$/);
    // A try that was given up is not begun again.
    const wasGivenUp = end.failed.some((one) => one.digest === job.digest);
    if (wasGivenUp) expect(next(end, { type: 'assigned', job, nowMs: 99 }).state).toBe(end);
  });
});
