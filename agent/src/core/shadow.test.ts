import { describe, expect, it } from 'vitest';
import { judgeShadow, type ShadowSeen } from './shadow.ts';

const terms = { minInferences: 100, deadlineMs: 10_000, samplePerMille: 1000, minAgreementPerMille: 950 };
const seen: ShadowSeen = { seenMs: 5, compared: 100, agreed: 95, failures: 0, exit: null, misfit: null };

describe('a shadow', () => {
  it('passes with enough agreement, and fails with less', () => {
    expect(judgeShadow(seen, terms)).toMatchObject({ verdict: 'PASS' });
    expect(judgeShadow({ ...seen, agreed: 94 }, terms)).toMatchObject({
      verdict: 'FAIL',
      code: 'SHADOW_DISAGREES',
    });
    expect(judgeShadow({ ...seen, agreed: 0 }, { ...terms, minAgreementPerMille: 0 })).toMatchObject({
      verdict: 'PASS',
    });
  });

  it('waits for its inferences, and is inconclusive when they do not come in time', () => {
    expect(judgeShadow({ ...seen, compared: 99 }, terms)).toEqual({ verdict: 'continue' });
    expect(judgeShadow({ ...seen, compared: 99, seenMs: 10_000 }, terms)).toMatchObject({
      verdict: 'INCONCLUSIVE',
    });
    expect(judgeShadow({ ...seen, compared: 0, agreed: 0 }, { ...terms, minInferences: 0 })).toEqual({
      verdict: 'continue',
    });
  });

  it('fails on hard evidence at once', () => {
    const exit = { code: 'RUNNER_CRASHED', message: 'signal SIGSEGV' };
    expect(judgeShadow({ ...seen, exit }, terms)).toMatchObject({ verdict: 'FAIL', code: 'RUNNER_CRASHED' });
    expect(judgeShadow({ ...seen, compared: 18, failures: 2 }, terms)).toMatchObject({
      code: 'SHADOW_FAILURES',
    });
    expect(judgeShadow({ ...seen, compared: 17, failures: 2 }, terms)).toEqual({ verdict: 'continue' });
  });

  it('is inconclusive when it does not fit, and never a failure for that', () => {
    expect(judgeShadow({ ...seen, compared: 1, misfit: 'no memory' }, terms)).toEqual({
      verdict: 'INCONCLUSIVE',
      sentence: 'no memory',
    });
  });
});
