import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { formatDuration, parseDuration } from './duration.ts';
import { planFromSpec, readPlanFile } from './plan-file.ts';
import { parseShare } from './share.ts';

const FILE = `
apiVersion: ringfleet/v1
kind: RolloutPlan
metadata: { name: careful }
spec:
  soak: { for: 6s, minInferences: 50, deadline: 5m }
  rings:
    - { ring: canary, bake: 5s, minProven: 1, minExercised: 1, minExecuted: 1, maxFailureRatio: 5%, maxFailures: 0, deadline: 10m, approval: true, onFailure: rollbackAll }
    - ring: fleet
`;
const SIZES = new Map([
  ['canary', 1],
  ['fleet', 30],
  ['empty', 0],
]);
const plan = (...rings: object[]) => planFromSpec({ soak: { for: '1s' }, rings }, SIZES);

describe('plan file', () => {
  it('reads every field of a file that a person wrote', () => {
    const { soak, rings } = planFromSpec(readPlanFile(parse(FILE)).spec, SIZES);
    expect(soak).toEqual({ soakMs: 6_000, minInferences: 50, deadlineMs: 300_000 });
    expect(rings[0]).toEqual({
      ring: 'canary',
      bakeMs: 5_000,
      minProven: 1,
      minExercised: 1,
      minExecuted: 1,
      maxFailureBasisPoints: 500,
      maxFailures: 0,
      deadlineMs: 600_000,
      needsApproval: true,
      onFailure: 'rollbackAll',
    });
  });

  it('fills in the defaults for the size of the ring', () => {
    expect(plan({ ring: 'fleet' }).rings[0]).toMatchObject({
      bakeMs: 3_600_000,
      deadlineMs: 604_800_000,
      minProven: 15,
      minExecuted: 20,
      maxFailures: 1,
      maxFailureBasisPoints: 500,
      onFailure: 'rollbackRing',
    });
  });

  it.each([
    [{ ring: 'canary', minProven: 2 }, 'minProven 2 > 1 device in the ring', '/rings/0/minProven'],
    [{ ring: 'fleet', minExecuted: 31 }, 'minExecuted 31 > 30 devices', '/rings/0/minExecuted'],
    [{ ring: 'empty' }, 'minProven 1 > 0 devices', '/rings/0/minProven'],
    [{ ring: 'empty', minProven: 0 }, 'minProven 1 > 0 devices', '/rings/0/minProven'],
    [
      { ring: 'canary', bake: '1h', deadline: '10m' },
      'soak 1s + bake 1h > deadline 10m',
      '/rings/0/deadline',
    ],
  ])('refuses a gate that can never pass, with the arithmetic: %j', (ring, sum, at) => {
    expect(() => plan(ring)).toThrow(
      expect.objectContaining({ code: 'PLAN_IMPOSSIBLE', at, message: expect.stringContaining(sum) }),
    );
  });

  it.each([
    [{ ring: 'canary', maxFailureRatio: '101%' }, 'PLAN_INVALID'],
    [{ ring: 'canary', bake: '5 minutes' }, 'PLAN_INVALID'],
    [{ ring: 'canary', minimumProven: 1 }, 'PLAN_INVALID'],
    [{ ring: 'nowhere' }, 'RING_UNKNOWN'],
  ])('refuses %j', (ring, code) => {
    expect(() => plan(ring)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses a ring that stands in the plan twice', () => {
    expect(() => plan({ ring: 'canary' }, { ring: 'canary' })).toThrow(
      expect.objectContaining({ code: 'PLAN_INVALID', at: '/rings/1/ring' }),
    );
  });

  it.each([
    ['500ms', 500],
    ['6s', 6_000],
    ['1h30m', 5_400_000],
    ['72h', 259_200_000],
    ['', null],
    ['5', null],
    ['5x', null],
    ['-5s', null],
  ])('"%s" lasts %s ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([
    [0, '0s'],
    [1_500, '1s500ms'],
    [5_400_000, '1h30m'],
    [259_200_000, '3d'],
  ])('%i ms are written %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it.each([
    ['5%', 500],
    ['0.25%', 25],
    ['100%', 10_000],
    ['100.01%', null],
    ['0.001%', null],
    ['5', null],
  ])('the share "%s" is %s basis points', (text, basisPoints) => expect(parseShare(text)).toBe(basisPoints));
});
