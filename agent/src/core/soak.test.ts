import { describe, expect, it } from 'vitest';
import { judgeSoak, type SoakEvidence } from './soak.ts';

const limits = { soakMs: 1000, minInferences: 50, deadlineMs: 10_000, inferMs: 100 };
const clean: SoakEvidence = {
  soakedMs: 2000,
  answers: 100,
  failures: 0,
  fallbacks: 0,
  nonFiniteOutputs: 0,
  exit: null,
  latencyUs: [],
};
const even = Array<number>(10).fill(100);

describe('a soak', () => {
  it('goes on until both time and inferences are there', () => {
    expect(judgeSoak({ ...clean, soakedMs: 999 }, null, limits)).toEqual({ verdict: 'continue' });
    expect(judgeSoak({ ...clean, answers: 49 }, null, limits)).toEqual({ verdict: 'continue' });
    expect(judgeSoak(clean, null, limits)).toMatchObject({ verdict: 'commit', isUnexercised: false });
  });

  it('commits at its deadline, marked unexercised when nobody asked', () => {
    const late = { ...clean, soakedMs: 10_000, answers: 3 };
    expect(judgeSoak(late, null, limits)).toMatchObject({ verdict: 'commit', isUnexercised: true });
  });

  it('fails at once when the process ended, before any other rule', () => {
    const exit = { code: 'EXECUTION_LIMIT_EXCEEDED', message: 'a run took longer than 100 ms' };
    expect(judgeSoak({ ...clean, exit }, null, limits)).toMatchObject({ verdict: 'fail', code: exit.code });
  });

  it('fails on one output that is not finite', () => {
    expect(judgeSoak({ ...clean, nonFiniteOutputs: 1 }, null, limits)).toMatchObject({
      code: 'SOAK_NON_FINITE',
    });
  });

  it('fails above the failure bound, but not on a handful of requests', () => {
    expect(judgeSoak({ ...clean, answers: 94, failures: 6 }, null, limits)).toMatchObject({
      code: 'SOAK_FAILURES',
    });
    expect(judgeSoak({ ...clean, answers: 95, failures: 5 }, null, limits)).toMatchObject({
      verdict: 'commit',
    });
    expect(judgeSoak({ ...clean, answers: 9, failures: 9 }, null, limits)).toEqual({ verdict: 'continue' });
  });

  it('fails when a class has vanished against the release before it', () => {
    const merged = [200, 0, ...Array<number>(8).fill(100)];
    const verdict = judgeSoak({ ...clean, classes: merged }, { classes: even, latencyUs: [] }, limits);
    expect(verdict).toMatchObject({ verdict: 'fail', code: 'SOAK_CLASSES_SHIFTED' });
  });

  it('does not judge classes on few answers, nor small differences however certain', () => {
    const few = { ...clean, classes: [19, 0, 10, 10, 10, 10, 10, 10, 10, 10] };
    expect(judgeSoak(few, { classes: even, latencyUs: [] }, limits)).toMatchObject({ verdict: 'commit' });
    const slight = { ...clean, classes: even.map((n, i) => n * 10_000 + (i % 2 ? 50_000 : -50_000)) };
    const many = { classes: even.map((n) => n * 10_000), latencyUs: [] };
    expect(judgeSoak(slight, many, limits)).toMatchObject({ verdict: 'commit' });
  });

  it('fails when it is far slower than before and near its execution limit', () => {
    const at = (bin: number): number[] => Array.from({ length: 15 }, (_, i) => (i === bin ? 60 : 0));
    const slow = { ...clean, latencyUs: at(9) };
    expect(judgeSoak(slow, { latencyUs: at(3) }, limits)).toMatchObject({ code: 'SOAK_LATENCY' });
    expect(judgeSoak({ ...clean, latencyUs: at(6) }, { latencyUs: at(3) }, limits)).toMatchObject({
      verdict: 'commit',
    });
  });

  it('fails when it is far less sure of its answers than the one before, not when it is surer', () => {
    const sure = [...Array<number>(18).fill(0), 100, 200];
    const unsure = [...Array<number>(10).fill(0), 150, 150, ...Array<number>(8).fill(0)];
    const judge = (scores: number[], before: number[]) =>
      judgeSoak({ ...clean, scores }, { scores: before, latencyUs: [] }, limits);
    expect(judge(unsure, sure)).toMatchObject({ verdict: 'fail', code: 'SOAK_SCORES_FELL' });
    expect(judge(sure, unsure)).toMatchObject({ verdict: 'commit' });
    expect(judge(sure, sure)).toMatchObject({ verdict: 'commit' });
  });

  it('is not judged by its outputs when its inputs went bad, and says so', () => {
    const merged = [200, 0, ...Array<number>(8).fill(100)];
    const before = { classes: even, latencyUs: [], values: 1000, badValues: 10 };
    const shifted = { ...clean, classes: merged, values: 1000 };
    expect(judgeSoak({ ...shifted, badValues: 300 }, before, limits)).toMatchObject({
      verdict: 'commit',
      sentence: expect.stringContaining('inputs are worse'),
    });
    expect(judgeSoak({ ...shifted, badValues: 20 }, before, limits)).toMatchObject({ verdict: 'fail' });
  });
});
