import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEVICE_ATTACKS } from './device/attacks.ts';
import { CONTROLS } from './device/controls.ts';
import { type Attack, expected } from './lab/attack.ts';
import { inPlace, inThread } from './lab/journal.ts';
import { type AttackLab, openAttackLab } from './lab/lab.ts';

const titled = (attacks: readonly Attack[]) => attacks.map((one) => [one.attack, one] as const);

describe('with the journal in its own thread, as the agent has it', () => {
  let lab: AttackLab;
  beforeAll(async () => {
    lab = await openAttackLab(inThread);
  });
  afterAll(() => lab.close());

  it.each(titled([...CONTROLS.slice(0, 1), ...DEVICE_ATTACKS.slice(0, 1)]))('%s', async (_title, attack) => {
    const outcome = await lab.run(attack);
    expect(outcome).toEqual(expected(attack, outcome));
  });
});

describe('with the same parts in one thread', () => {
  let lab: AttackLab;
  beforeAll(async () => {
    lab = await openAttackLab(inPlace);
  });
  afterAll(() => lab.close());

  describe('a device installs', () => {
    it.each(titled(CONTROLS))('%s', async (_title, control) => {
      const outcome = await lab.run(control);
      expect(outcome).toEqual(expected(control, outcome));
    });
  });

  describe('a device refuses, and keeps what it has', () => {
    it.each(titled(DEVICE_ATTACKS))('%s', async (_title, attack) => {
      const outcome = await lab.run(attack);
      expect(outcome).toEqual(expected(attack, outcome));
    });
  });
});
