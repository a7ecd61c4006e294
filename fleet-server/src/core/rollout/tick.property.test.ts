import { describe, expect, it } from 'vitest';
import { FakeFleet } from './fake-fleet.ts';

const RINGS = { canary: ['a', 'b'], early: ['c', 'd', 'e'], fleet: ['f', 'g', 'h'] };
const NAMES = Object.keys(RINGS) as (keyof typeof RINGS)[];
const DEVICES = Object.values(RINGS).flat();

/** Small, seeded and repeatable: a failing history is named by its seed. */
function randomOf(seed: number): (n: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % n;
  };
}

function act(fleet: FakeFleet, random: (n: number) => number): void {
  const id = DEVICES[random(DEVICES.length)] ?? 'a';
  const acts = [
    () => fleet.takesUp(id),
    () => fleet.soaks(id),
    () => fleet.commits(id),
    () => fleet.proves(id),
    () => fleet.proves(id),
    () => fleet.proves(id),
    () => fleet.proves(id, { isUnexercised: true }),
    () => fleet.fails(id),
    () => fleet.fails(id, 'DISK_SPACE_LOW', 'offered'),
    () => fleet.fails(id, 'NO_VARIANT_FITS', 'offered'),
    () => fleet.fails(id, 'RELEASE_REGRESSED', 'idle'),
    () => fleet.connect(id, random(2) === 0),
    () => {
      if (fleet.rollout.state === 'paused') fleet.order({ kind: 'resume' });
    },
  ];
  acts[random(acts.length)]?.();
}

describe('rollout, over random histories', () => {
  it('never opens a ring before the one before it had its minimum proven, and never touches one it has not opened', () => {
    let promotions = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const random = randomOf(seed);
      const minProven = 1 + random(2);
      const fleet = new FakeFleet(RINGS, {
        minProven,
        maxFailures: random(3),
        maxFailureBasisPoints: 5_000,
        onFailure: random(2) === 0 ? 'pause' : 'rollbackRing',
      });
      for (let i = 0; i < 60; i++) {
        act(fleet, random);
        const before = fleet.snapshot;
        fleet.tick(random(4_000));
        for (const [index, name] of NAMES.entries()) {
          const earlier = NAMES[index - 1];
          const isOpened = fleet.ringState(name) !== 'waiting';
          if (!isOpened) expect(fleet.assigned(name), `seed ${seed}`).toBe('1.0.0');
          const wasOpened = before.rollout.rings[index]?.state !== 'waiting';
          if (!earlier || !isOpened || wasOpened) continue;
          promotions++;
          const proven = RINGS[earlier].filter(
            (id) => before.models.get(id)?.isProven && before.models.get(id)?.running?.version === '1.1.0',
          );
          expect(proven.length, `seed ${seed}, step ${i}`).toBeGreaterThanOrEqual(minProven);
          const exercised = proven.filter((id) => !before.models.get(id)?.isUnexercised);
          expect(exercised.length, `seed ${seed}, step ${i}`).toBeGreaterThanOrEqual(1);
        }
      }
    }
    expect(promotions).toBeGreaterThan(50);
  });
});
