import { describe, expect, it } from 'vitest';
import { desiredModels } from './desired.ts';
import { planFromSpec } from './plan-file.ts';
import { rollbackOf } from './rollout/assign-ring.ts';
import { FakeFleet } from './rollout/fake-fleet.ts';
import { requireTighter, type Terms, termsFromSpec } from './terms.ts';

const WINDOW = { cron: '0 2 * * 1-5', timeZone: 'Europe/Berlin', graceMs: 7_200_000 };
const errorOf = (work: () => unknown) => {
  try {
    work();
  } catch (err) {
    return err;
  }
  return null;
};

describe('terms that a person writes', () => {
  it('become those that devices read, with their defaults', () => {
    const window = { cron: WINDOW.cron, timeZone: WINDOW.timeZone, grace: '2h' };
    expect(termsFromSpec({ hold: true, window, shadow: { minAgreement: '99.5%' } }, '/terms')).toEqual({
      hold: true,
      window: WINDOW,
      shadow: {
        minInferences: 100,
        deadlineMs: 86_400_000,
        samplePerMille: 100,
        minAgreementPerMille: 995,
      },
    });
  });

  it.each([
    ['a cron line that nobody can read', { cron: '0 25 * * *', timeZone: 'UTC', grace: '1h' }, '/window'],
    ['a day that never comes', { cron: '0 0 30 2 *', timeZone: 'UTC', grace: '1h' }, '/window'],
    ['a time zone of no place', { cron: '0 2 * * *', timeZone: 'Europe/Nowhere', grace: '1h' }, '/window'],
    ['six fields', { cron: '0 0 2 * * *', timeZone: 'UTC', grace: '1h' }, '/window'],
    ['a window of a moment', { cron: '0 2 * * *', timeZone: 'UTC', grace: '1s' }, '/window/grace'],
  ])('are refused with their place for %s', (_, window, at) => {
    expect(errorOf(() => termsFromSpec({ window }, ''))).toMatchObject({ code: 'PLAN_INVALID', at });
  });

  it('may not loosen a limit that the publisher signed', () => {
    const signed = { limits: { memoryBytes: 100, loadMs: 10, inferMs: 10 } };
    expect(errorOf(() => requireTighter(signed, { limits: { inferMs: 9 } }))).toBeNull();
    expect(errorOf(() => requireTighter(signed, { limits: { inferMs: 11 } }))).toMatchObject({
      code: 'LIMITS_LOOSENED',
    });
  });
});

describe('the terms of a plan', () => {
  it('hold for every ring, and those of a ring come first', () => {
    const spec = {
      terms: { maxBytesPerSecond: 10_000, urgent: true },
      rings: [{ ring: 'a' }, { ring: 'b', terms: { urgent: false } }],
    };
    const sizes = new Map([
      ['a', 3],
      ['b', 3],
    ]);
    expect(planFromSpec(spec, sizes).rings.map(({ terms }) => terms)).toEqual([
      { maxBytesPerSecond: 10_000, urgent: true },
      { maxBytesPerSecond: 10_000, urgent: false },
    ]);
  });

  it('are assigned when the ring opens; the way back is urgent and keeps what tightens', () => {
    const terms: Terms = { window: WINDOW, hold: true, maxBytesPerSecond: 9_000, limits: { inferMs: 5 } };
    const fleet = new FakeFleet({ canary: ['c'] }, { terms });
    fleet.tick();
    expect(fleet.assignments.get('canary')?.terms).toEqual(terms);
    const [ring] = fleet.rollout.rings;
    if (!ring?.previous) throw new Error('it ran something before');
    const back = { ...ring, previous: { ...ring.previous, terms } };
    expect(rollbackOf(fleet.rollout, [back], new Set()).assignments).toMatchObject([
      { version: '1.0.0', terms: { urgent: true, maxBytesPerSecond: 9_000, limits: { inferMs: 5 } } },
    ]);
  });
});

describe('a hold of a device', () => {
  const hold = { reason: 'a fair', by: 'ann', sinceMs: 1 };
  const termsOf = (terms: Terms | null, isHeld: boolean) => {
    const fleet = new FakeFleet({ canary: ['c'] }, terms ? { terms } : {});
    fleet.tick();
    const { membership } = fleet.snapshot;
    const device = { id: 'c', hold: isHeld ? hold : null };
    return desiredModels(device, membership, [...fleet.assignments.values()])[0]?.terms ?? null;
  };

  it('is a term of all its models', () => {
    expect(termsOf(null, false)).toBeNull();
    expect(termsOf({ maxBytesPerSecond: 9_000 }, true)).toEqual({ maxBytesPerSecond: 9_000, hold: true });
  });

  it('does not stand in the way of what is urgent', () => {
    expect(termsOf({ urgent: true }, true)).toEqual({ urgent: true });
  });
});
