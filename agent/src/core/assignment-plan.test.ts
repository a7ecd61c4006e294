import type { AssignedModel } from '@ringfleet/shared/trust';
import { describe, expect, it } from 'vitest';
import { planOf } from './assignment-plan.ts';
import { emptyState } from './update-state.ts';

const tiny: AssignedModel = {
  model: 'tiny',
  version: '1.0.0',
  manifestLength: 10,
  manifestSha256: 'ab'.repeat(32),
  releaseCounter: 3,
  variants: ['cpu'],
  mode: 'run',
  attempt: 2,
  soakMs: 1,
  minInferences: 2,
  soakDeadlineMs: 3,
  installBefore: 4,
  digest: `sha256:${'ab'.repeat(32)}`,
  path: 'models/tiny/1.0.0/manifest.json',
  minReleaseCounter: 1,
};

describe('the plan for an assignment', () => {
  it('assigns what is listed and takes away what is not', () => {
    const plan = planOf({ generation: 7, models: [tiny] }, [emptyState('old', 0), emptyState('tiny', 0)], 5);
    expect(plan).toMatchObject([
      { model: 'tiny', event: { type: 'assigned', nowMs: 5 } },
      { model: 'old', event: { type: 'unassigned', generation: 7 } },
    ]);
  });

  it("carries the assignment's terms and the publisher's floor into the job", () => {
    const [first] = planOf({ generation: 7, models: [tiny] }, [], 5);
    expect(first?.event).toMatchObject({
      job: { digest: tiny.digest, manifestBytes: 10, attempt: 2, minReleaseCounter: 1, generation: 7 },
    });
  });
});
