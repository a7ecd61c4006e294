import { CATALOG } from '@ringfleet/shared/errors';
import { describe, expect, it } from 'vitest';
import { effectsOf } from './update-effects.ts';
import { BOOT_LIMIT, CUT_LIMIT, next, type UpdateEvent } from './update-machine.ts';
import type { Report } from './update-reports.ts';
import { emptyState, type Job, keyOf, readState, type UpdateState } from './update-state.ts';

const job = (n: number, changes: Partial<Job> = {}): Job => ({
  version: `1.${n}.0`,
  digest: `sha256:${String(n).repeat(64).slice(0, 64)}`,
  manifestBytes: 100,
  releaseCounter: n,
  minReleaseCounter: n - 1,
  variants: ['int8-cpu'],
  attempt: 0,
  generation: n,
  soakMs: 1000,
  minInferences: 10,
  soakDeadlineMs: 60_000,
  installBefore: 1_000_000,
  ...changes,
});
const evidence = { answers: 20, failures: 0, fallbacks: 0, soakedMs: 1000 };

const assigned = (one: Job): UpdateEvent => ({ type: 'assigned', job: one, nowMs: 1 });
const boot: UpdateEvent = { type: 'booted', lastEnd: 'crash', nowMs: 50 };
const cut: UpdateEvent = { type: 'booted', lastEnd: 'powerCut', nowMs: 50 };
const failed = (one: Job, code = 'ACCEPTANCE_FAILED'): UpdateEvent => ({
  type: 'failed',
  key: keyOf(one),
  code,
  reason: 'it was bad',
  nowMs: 9,
});
const way = (one: Job): readonly UpdateEvent[] => [
  assigned(one),
  { type: 'accepted', key: keyOf(one), variant: 'int8-cpu', nowMs: 2 },
  { type: 'downloaded', key: keyOf(one), nowMs: 3 },
  { type: 'verified', key: keyOf(one), nowMs: 4 },
  { type: 'preflightPassed', key: keyOf(one), nowMs: 5 },
  { type: 'windowOpened', key: keyOf(one), nowMs: 6 },
  { type: 'activated', key: keyOf(one), baseline: { latencyUs: [1, 2], classes: [3, 4] }, nowMs: 7 },
  { type: 'soakPassed', key: keyOf(one), isUnexercised: false, evidence, nowMs: 8 },
];

function play(start: UpdateState, events: readonly UpdateEvent[]): { state: UpdateState; reports: Report[] } {
  const reports: Report[] = [];
  let state = start;
  for (const event of events) {
    const step = next(state, event);
    state = step.state;
    reports.push(...step.reports);
  }
  return { state, reports };
}
const saved = (state: UpdateState): UpdateState => readState(JSON.parse(JSON.stringify(state)));
const phases = (reports: readonly Report[]): string[] =>
  reports.flatMap((one) => (one.stream === 'state' ? [one.body.phase] : []));

const empty = emptyState('tiny', 0);
const onOne = play(empty, way(job(1))).state;
const onTwo = play(onOne, way(job(2))).state;

describe('the way to a committed release', () => {
  it('passes every phase, reports each one and says what answers meanwhile', () => {
    const { state, reports } = play(onOne, way(job(2)));
    expect(state).toMatchObject({
      phase: 'idle',
      committed: { version: '1.2.0' },
      previous: { version: '1.1.0' },
    });
    expect(phases(reports)).toEqual([
      'offered',
      'downloading',
      'verifying',
      'preflight',
      'ready',
      'activating',
      'soaking',
      'idle',
    ]);
    const running = reports.map((one) => (one.stream === 'state' ? one.body.running?.version : ''));
    expect(running).toEqual(['1.1.0', '1.1.0', '1.1.0', '1.1.0', '1.1.0', '1.1.0', '1.2.0', '1.2.0']);
    const last = reports.at(-1)?.body;
    expect(last).toMatchObject({ isCommitted: true, evidence, release: { version: '1.2.0' } });
  });

  it("raises the floor to the publisher's at commit, not before", () => {
    const before = play(onOne, way(job(2)).slice(0, 7)).state;
    expect(next(before, way(job(2))[7] as UpdateEvent).floor).toBe(1);
    expect(
      way(job(2))
        .slice(0, 7)
        .map((event, i) => next(play(onOne, way(job(2)).slice(0, i)).state, event).floor),
    ).toEqual(Array(7).fill(undefined));
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('is reached when power is cut after %i events', (n) => {
    for (const start of [empty, onOne]) {
      const onDisk = saved(play(start, way(job(2)).slice(0, n)).state);
      const end = play(onDisk, [boot, ...way(job(2)).slice(n)]);
      expect(end.state).toMatchObject({
        phase: 'idle',
        committed: { version: '1.2.0', digest: job(2).digest },
      });
    }
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'serves a committed release when power is cut after %i events',
    (n) => {
      const state = saved(play(onOne, [...way(job(2)).slice(0, n), boot]).state);
      expect(effectsOf(state).serve.active).not.toBeNull();
      expect(effectsOf(play(onOne, way(job(2)).slice(0, n)).state)).toEqual(effectsOf(state));
    },
  );

  it('asks for the same one piece of work again after a reboot', () => {
    const works = [0, 1, 2, 3, 4, 5, 6, 7].map(
      (n) => effectsOf(saved(play(onOne, way(job(2)).slice(0, n)).state)).work.type,
    );
    expect(works).toEqual([
      'tidy',
      'check',
      'download',
      'verify',
      'preflight',
      'awaitWindow',
      'activate',
      'soak',
    ]);
  });

  it('checks a release against what is installed already', () => {
    const { work } = effectsOf(play(onTwo, [assigned(job(3))]).state);
    expect(work).toMatchObject({ type: 'check', installed: [{ version: '1.2.0' }, { version: '1.1.0' }] });
  });

  it('keeps the baseline for a soak that a reboot interrupts', () => {
    const soaking = saved(play(onOne, way(job(2)).slice(0, 7)).state);
    expect(effectsOf(soaking).work).toMatchObject({ type: 'soak', baseline: { classes: [3, 4] } });
    expect(effectsOf(soaking).serve).toMatchObject({
      active: { version: '1.2.0' },
      fallback: { version: '1.1.0' },
      isTrial: true,
    });
  });
});

describe('a release that fails', () => {
  it.each([1, 2, 3, 4, 5, 6, 7])('ends on the previous release with its reason, after %i events', (n) => {
    const before = play(onOne, way(job(2)).slice(0, n)).state;
    const { state, reports } = play(before, [failed(job(2))]);
    expect(state).toMatchObject({ phase: 'idle', committed: { version: '1.1.0' } });
    expect(reports[0]?.body).toMatchObject({
      phase: 'idle',
      from: before.phase,
      failure: { code: 'ACCEPTANCE_FAILED', phase: before.phase },
      release: { version: '1.2.0' },
      running: { version: '1.1.0' },
      isCommitted: true,
    });
    expect(reports.slice(1).map((one) => one.stream)).toEqual(n >= 6 ? ['event'] : []);
  });

  it('ends empty when there is no previous release', () => {
    const { state } = play(empty, [...way(job(1)).slice(0, 7), failed(job(1))]);
    expect(state).toMatchObject({ phase: 'empty', committed: null, isAssigned: true });
  });

  it('is not tried again until the attempt is raised, not even after another release', () => {
    const afterFailure = play(onOne, [...way(job(2)).slice(0, 5), failed(job(2))]).state;
    expect(next(afterFailure, assigned(job(2))).state).toBe(afterFailure);
    expect(next(afterFailure, assigned(job(2, { generation: 9 }))).state.phase).toBe('idle');
    const onThree = play(afterFailure, way(job(3))).state;
    expect(next(onThree, assigned(job(2))).state.phase).toBe('idle');
    expect(next(onThree, assigned(job(2, { attempt: 1 }))).state.phase).toBe('offered');
  });

  it('says once for every assignment why it refuses a release that failed before', () => {
    const afterFailure = play(onOne, [...way(job(2)).slice(0, 5), failed(job(2))]).state;
    const again = next(afterFailure, assigned(job(2, { generation: 9 })));
    expect(again.reports).toMatchObject([
      { body: { phase: 'idle', generation: 9, attempt: 0, release: { version: '1.2.0' } } },
    ]);
    const [report] = again.reports;
    expect(report?.body).toHaveProperty(
      'failure',
      afterFailure.setback && expect.objectContaining({ code: afterFailure.setback.code }),
    );
    expect(next(again.state, assigned(job(2, { generation: 9 }))).state).toBe(again.state);
  });

  it('says that a release is still refused when something else was said since', () => {
    const onThree = play(onOne, [...way(job(2)).slice(0, 5), failed(job(2)), ...way(job(3))]).state;
    const refused = next(onThree, assigned(job(2, { generation: 9 })));
    const failure = { code: 'ATTEMPT_NOT_RAISED', phase: 'offered' };
    expect(refused.reports).toMatchObject([{ body: { release: { version: '1.2.0' }, failure } }]);
    const code = 'RELEASE_REGRESSED';
    const back = play(refused.state, [
      { type: 'regressed', digest: job(3).digest, code, reason: 'x', nowMs: 90 },
      { type: 'rolledBack', nowMs: 91 },
    ]).state;
    expect(next(back, assigned(job(2, { generation: 9 }))).reports).toMatchObject([{ body: { failure } }]);
  });

  it('drops late results of an older try', () => {
    const second = play(onOne, [...way(job(2)).slice(0, 5), assigned(job(3))]).state;
    expect(second).toMatchObject({ phase: 'offered', job: { version: '1.3.0' } });
    expect(next(second, failed(job(2))).state).toBe(second);
    expect(next(second, way(job(2))[1] as UpdateEvent).state).toBe(second);
  });

  it('is given up when the device goes down again and again during the trial', () => {
    const soaking = play(onOne, way(job(2)).slice(0, 7)).state;
    const boots = Array<UpdateEvent>(BOOT_LIMIT).fill(boot);
    expect(play(soaking, boots).state.phase).toBe('soaking');
    const { state, reports } = play(soaking, [...boots, boot]);
    expect(state).toMatchObject({ phase: 'idle', committed: { version: '1.1.0' } });
    expect(reports[0]?.body).toMatchObject({ failure: { code: 'BOOT_LIMIT_EXCEEDED', phase: 'soaking' } });
  });

  it('is not blamed for clean restarts, nor for power cuts while it is only downloaded', () => {
    const soaking = play(onOne, way(job(2)).slice(0, 7)).state;
    const clean = Array<UpdateEvent>(9).fill({ type: 'booted', lastEnd: 'clean', nowMs: 1 });
    expect(play(soaking, clean).state).toBe(soaking);
    const downloading = play(onOne, way(job(2)).slice(0, 2)).state;
    expect(play(downloading, Array<UpdateEvent>(99).fill(cut)).state).toBe(downloading);
  });

  it.each([4, 5, 6, 7])(
    'ends its trial without blame when power goes again and again, after %i events',
    (n) => {
      const trial = play(onOne, way(job(2)).slice(0, n)).state;
      const cuts = Array<UpdateEvent>(CUT_LIMIT).fill(cut);
      expect(play(trial, cuts).state.phase).toBe(trial.phase);
      const { state, reports } = play(trial, [...cuts, cut]);
      expect(state).toMatchObject({ phase: 'idle', committed: { version: '1.1.0' } });
      expect(reports[0]?.body).toMatchObject({ failure: { code: 'TRIAL_INTERRUPTED', phase: trial.phase } });
      expect(CATALOG.TRIAL_INTERRUPTED.class).toBe('SITE');
    },
  );

  it.each([1, 2, 3])(
    'is given up when the agent dies at the same step again and again, after %i events',
    (n) => {
      const before = play(onOne, way(job(2)).slice(0, n)).state;
      const { reports } = play(before, Array<UpdateEvent>(BOOT_LIMIT + 1).fill(boot));
      expect(reports[0]?.body).toMatchObject({
        failure: { code: 'STEP_LIMIT_EXCEEDED', phase: before.phase },
      });
    },
  );

  it('counts deaths of the agent anew when its trial begins', () => {
    const verifying = play(onOne, [...way(job(2)).slice(0, 3), boot, boot]).state;
    expect(verifying).toMatchObject({ boots: 2 });
    expect(play(verifying, way(job(2)).slice(3, 4)).state).toMatchObject({ phase: 'preflight', boots: 0 });
  });

  it('does not go live after its assignment ran out', () => {
    const late = job(2, { installBefore: 5 });
    const { state, reports } = play(onOne, way(late).slice(0, 6));
    expect(state).toMatchObject({ phase: 'idle', committed: { version: '1.1.0' } });
    expect(reports.at(-1)?.body).toMatchObject({ failure: { code: 'INSTALL_EXPIRED', phase: 'ready' } });
  });
});

describe('a newer assignment', () => {
  it.each([1, 2, 3, 4, 5])('replaces what has not reached activating, after %i events', (n) => {
    const state = play(onOne, [...way(job(2)).slice(0, n), assigned(job(3))]).state;
    expect(state).toMatchObject({
      phase: 'offered',
      job: { version: '1.3.0' },
      committed: { version: '1.1.0' },
    });
  });

  it.each([6, 7])('waits for the end of a trial, after %i events', (n) => {
    const before = play(onOne, way(job(2)).slice(0, n)).state;
    expect(next(before, assigned(job(3))).state).toBe(before);
  });

  it.each([1, 2, 3, 4, 5, 6, 7])('withdraws the candidate without blame, after %i events', (n) => {
    const { state, reports } = play(onOne, [...way(job(2)).slice(0, n), assigned(job(1, { generation: 5 }))]);
    expect(state).toMatchObject({
      phase: 'idle',
      committed: { version: '1.1.0' },
      failed: [],
      generation: 5,
    });
    expect(reports.at(-1)?.body).not.toHaveProperty('failure');
  });

  it('changes the terms of the same try in place', () => {
    const before = play(onOne, way(job(2)).slice(0, 4)).state;
    const renewed = job(2, { generation: 7, minInferences: 99 });
    const step = next(before, assigned(renewed));
    expect(step.state).toMatchObject({ phase: 'preflight', job: { minInferences: 99 } });
    expect(step.reports).toEqual([]);
  });

  it('changes nothing when the release is already committed, and says so once', () => {
    const step = next(onTwo, assigned(job(2, { generation: 9, attempt: 3 })));
    expect(step.state).toEqual({ ...onTwo, generation: 9 });
    expect(step.reports).toMatchObject([{ body: { phase: 'idle', generation: 9, isCommitted: true } }]);
    expect(next(step.state, assigned(job(2, { generation: 9, attempt: 3 }))).state).toBe(step.state);
  });
});

describe('a committed release that regresses', () => {
  const regressed: UpdateEvent = {
    type: 'regressed',
    digest: job(2).digest,
    code: 'RELEASE_REGRESSED',
    reason: 'three exits',
    nowMs: 20,
  };

  it('goes back to its predecessor and is not tried again', () => {
    const back = play(onTwo, [regressed]);
    expect(effectsOf(back.state).serve).toMatchObject({ active: { version: '1.1.0' }, isTrial: false });
    const { state, reports } = play(saved(back.state), [
      boot,
      { type: 'rolledBack', nowMs: 21 },
      assigned(job(2)),
    ]);
    expect(state).toMatchObject({ phase: 'idle', committed: { version: '1.1.0' }, previous: null });
    const said = {
      failure: { code: 'RELEASE_REGRESSED' },
      release: { version: '1.2.0' },
      running: { version: '1.1.0' },
    };
    const [rolledBack, answered] = reports.slice(-2).map(({ body }) => body);
    expect(rolledBack).toMatchObject({ from: 'rollingBack', ...said });
    expect(answered).toMatchObject({ from: 'idle', ...said });
  });

  it('goes on serving when it has no predecessor', () => {
    expect(next(onOne, { ...regressed, digest: job(1).digest }).state).toBe(onOne);
  });

  it('is fetched again and not blamed when only its files rotted', () => {
    const rotten = { ...regressed, code: 'SLOT_CORRUPT' };
    const back = play(onTwo, [rotten, { type: 'rolledBack', nowMs: 21 }]).state;
    expect(back).toMatchObject({ phase: 'idle', committed: { version: '1.1.0' }, failed: [] });
    expect(next(back, assigned(job(2))).state.phase).toBe('offered');
  });

  it('leaves the model empty, to be fetched again, when its files rotted and it was the only one', () => {
    const { state, reports } = play(onOne, [{ ...regressed, digest: job(1).digest, code: 'SLOT_CORRUPT' }]);
    expect(state).toMatchObject({ phase: 'empty', isAssigned: true, failed: [] });
    expect(reports.map((one) => one.stream)).toEqual(['state', 'event']);
    expect(next(state, assigned(job(1))).state.phase).toBe('offered');
  });

  it('goes on when there is nothing left to go back to, and never flips to and fro', () => {
    const back = next(onTwo, regressed).state;
    const gone: UpdateEvent = { type: 'rollBackFailed', code: 'SLOT_CORRUPT', reason: 'rotten', nowMs: 22 };
    const { state, reports } = play(saved(back), [gone]);
    expect(state).toMatchObject({ phase: 'idle', committed: { version: '1.2.0' }, previous: null });
    expect(reports[0]?.body).toMatchObject({ release: { version: '1.1.0' }, running: { version: '1.2.0' } });
    expect(next(state, regressed).state).toBe(state);
  });
});

describe('a state that waits', () => {
  const ready = play(onOne, way(job(2)).slice(0, 5)).state;
  const waits = (code: string, untilMs?: number): UpdateEvent => ({
    type: 'waits',
    key: keyOf(job(2)),
    waiting: { code, reason: 'because', ...(untilMs === undefined ? {} : { untilMs }) },
    nowMs: 6,
  });

  it('says why once, and gives the memory of its runner back', () => {
    const { state, reports } = play(ready, [waits('WINDOW_CLOSED', 10), waits('WINDOW_CLOSED', 20)]);
    expect(reports).toMatchObject([
      { body: { phase: 'ready', waiting: { code: 'WINDOW_CLOSED', until: 10 } } },
    ]);
    expect(state).toMatchObject({ waiting: { untilMs: 20 } });
    expect(effectsOf(ready).serve.spare).not.toBeNull();
    expect(effectsOf(state).serve.spare).toBeNull();
  });

  it('goes on from there, looks again after a restart, and fails like any other', () => {
    const waiting = play(ready, [waits('WINDOW_CLOSED')]).state;
    expect(play(waiting, way(job(2)).slice(5)).state).toMatchObject({ committed: { version: '1.2.0' } });
    expect(saved(play(waiting, [{ type: 'booted', lastEnd: 'clean', nowMs: 7 }]).state)).toEqual(ready);
    expect(play(waiting, [failed(job(2))]).state).toMatchObject({ phase: 'idle' });
  });

  it('is never one that has work of its own', () => {
    const soaking = play(onOne, way(job(2)).slice(0, 7)).state;
    expect(next(soaking, waits('WINDOW_CLOSED')).state).toBe(soaking);
  });
});

describe('a shadow', () => {
  const key = keyOf(job(2));
  const shadowing: readonly UpdateEvent[] = [
    ...way(job(2)).slice(0, 5),
    { type: 'shadowStarted', key, nowMs: 6 },
  ];

  it('comes between ready and activating, and answers nobody', () => {
    const before = play(onOne, shadowing).state;
    expect(before.phase).toBe('shadow');
    expect(effectsOf(saved(before))).toMatchObject({
      serve: { active: { version: '1.1.0' }, spare: { version: '1.2.0' }, fallback: null },
      work: { type: 'shadow', active: { version: '1.1.0' }, sinceMs: 6 },
    });
    const { state, reports } = play(before, [{ type: 'windowOpened', key, evidence, nowMs: 9 }]);
    expect(state.phase).toBe('activating');
    expect(reports).toMatchObject([{ body: { from: 'shadow', evidence, running: { version: '1.1.0' } } }]);
  });

  it('is left for a newer release', () => {
    expect(play(onOne, [...shadowing, assigned(job(3))]).state).toMatchObject({
      phase: 'offered',
      job: { version: '1.3.0' },
    });
  });
});

describe('a model that is not assigned any more', () => {
  it.each([0, 1, 4, 7, 8])('is removed from every phase, after %i events', (n) => {
    const before = play(onOne, way(job(2)).slice(0, n)).state;
    const gone = play(before, [{ type: 'unassigned', generation: 9, nowMs: 30 }]);
    expect(gone.state.phase).toBe('removing');
    const end = play(saved(gone.state), [boot, { type: 'removed', nowMs: 31 }]);
    expect(end.state).toMatchObject({ phase: 'empty', committed: null, isAssigned: false });
    expect(end.reports.at(-1)?.body).not.toHaveProperty('running');
  });

  it('says once for every newer assignment that it is gone, because a restored server may not know', () => {
    const removing = play(onOne, [{ type: 'unassigned', generation: 9, nowMs: 30 }]).state;
    const gone = next(removing, { type: 'removed', nowMs: 31 }).state;
    expect(next(gone, { type: 'unassigned', generation: 9, nowMs: 32 })).toEqual({
      state: gone,
      reports: [],
    });
    const told = next(gone, { type: 'unassigned', generation: 10, nowMs: 33 });
    expect(told.reports).toMatchObject([{ body: { phase: 'empty', generation: 10, isCommitted: false } }]);
    expect(told.reports[0]?.body).not.toHaveProperty('running');
    expect(next(saved(told.state), { type: 'unassigned', generation: 10, nowMs: 34 }).reports).toEqual([]);
  });

  it('can be assigned again once it is gone', () => {
    const removing = play(onOne, [{ type: 'unassigned', generation: 9, nowMs: 30 }]).state;
    expect(next(removing, assigned(job(1))).state).toBe(removing);
    const gone = next(removing, { type: 'removed', nowMs: 31 }).state;
    expect(play(gone, way(job(1))).state).toMatchObject({ phase: 'idle', committed: { version: '1.1.0' } });
  });
});

describe('the machine', () => {
  const states = [
    empty,
    onOne,
    onTwo,
    ...way(job(3)).map((_, n) => play(onTwo, way(job(3)).slice(0, n)).state),
  ];
  const events: readonly UpdateEvent[] = [
    ...way(job(3)),
    ...way(job(4)),
    boot,
    failed(job(3)),
    { type: 'unassigned', generation: 1, nowMs: 1 },
    { type: 'removed', nowMs: 1 },
    { type: 'rolledBack', nowMs: 1 },
    { type: 'regressed', digest: job(2).digest, code: 'RELEASE_REGRESSED', reason: '', nowMs: 1 },
  ];

  it('answers every event in every state with a state that can be saved and read again', () => {
    for (const state of states) {
      for (const event of events) {
        const after = next(state, event).state;
        expect(saved(after)).toEqual(after);
        expect(effectsOf(after).work.type).toMatch(/./);
      }
    }
  });

  it('never loses the committed release but by removal', () => {
    for (const state of states.filter((one) => one.committed)) {
      for (const event of events.filter((one) => one.type !== 'unassigned')) {
        expect(next(state, event).state.committed).not.toBeNull();
      }
    }
  });

  it('refuses a saved state of an unknown version', () => {
    expect(() => readState({ ...onOne, v: 99 })).toThrow(expect.objectContaining({ code: 'STATE_INVALID' }));
    expect(() => readState({ ...onOne, phase: 'idle', committed: null })).toThrow();
  });
});
