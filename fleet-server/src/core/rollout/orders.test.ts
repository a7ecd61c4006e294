import { describe, expect, it } from 'vitest';
import { FakeFleet } from './fake-fleet.ts';
import { supersedeBy } from './orders.ts';

const twoRings = { canary: ['c'], fleet: ['f1', 'f2'] };
const conflict = expect.objectContaining({ code: 'ROLLOUT_STATE_CONFLICT' });

describe('orders to a rollout', () => {
  it('paused: gates still run, but nothing is promoted', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.order({ kind: 'pause' });
    fleet.proves('c');
    fleet.tick(1_000);
    fleet.tick(100_000);
    expect([fleet.gate('canary'), fleet.ringState('canary')]).toEqual(['GATE_PASSED', 'open']);
    fleet.order({ kind: 'resume' });
    fleet.tick();
    expect(fleet.ringState('fleet')).toBe('open');
  });

  it('a bad release is stopped while paused too', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.order({ kind: 'pause' });
    fleet.fails('c');
    fleet.tick(1_000);
    expect(fleet.rollout.state).toBe('halted');
  });

  it('resume does not forget the failures: they stay counted and the next new one stops it again', () => {
    const fleet = new FakeFleet(
      { canary: ['a', 'b', 'c'] },
      { onFailure: 'pause', maxFailures: 0, maxFailureBasisPoints: 10_000 },
    );
    fleet.tick();
    fleet.fails('a');
    fleet.tick(1_000);
    expect(fleet.rollout).toMatchObject({ state: 'paused', reasonCode: 'GATE_TOO_MANY_FAILURES' });
    expect(fleet.assigned('canary')).toBe('1.1.0');
    fleet.order({ kind: 'resume' });
    fleet.tick(1_000);
    expect([fleet.rollout.state, fleet.ringState('canary')]).toEqual(['running', 'open']);
    expect(fleet.rollout.rings[0]?.gate?.counts.failed).toBe(1);
    fleet.fails('b');
    fleet.tick(1_000);
    expect(fleet.rollout.state).toBe('paused');
    expect(fleet.rollout.reason).toContain('2 of 3 devices failed');
  });

  it('an acknowledged failure that is tried again stays counted until the device runs the release', () => {
    const fleet = new FakeFleet({ canary: ['a', 'b'] }, { onFailure: 'pause' });
    fleet.tick();
    fleet.fails('a');
    fleet.tick(1_000);
    fleet.order({ kind: 'resume' });
    fleet.takesUp('a');
    fleet.tick(1_000);
    expect(fleet.rollout.rings[0]?.gate?.counts.failed).toBe(1);
    fleet.proves('a');
    fleet.tick(1_000);
    expect(fleet.rollout.rings[0]?.gate?.counts.failed).toBe(0);
  });

  it('deadlines count anew from a resume', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.tick(600_000);
    fleet.order({ kind: 'resume' });
    fleet.tick(599_999);
    expect(fleet.rollout.state).toBe('running');
    fleet.tick(1);
    expect(fleet.rollout.state).toBe('paused');
  });

  it('waits for an approval where the plan asks for one', () => {
    const fleet = new FakeFleet(twoRings, { needsApproval: true });
    fleet.tick();
    expect(() => fleet.order({ kind: 'approve' })).toThrow(conflict);
    fleet.proves('c');
    fleet.tick(1_000);
    fleet.tick(50_000);
    expect([fleet.gate('canary'), fleet.ringState('canary')]).toEqual(['GATE_NEEDS_APPROVAL', 'open']);
    // Ann started it.
    expect(() => fleet.order({ kind: 'approve' }, 'ann')).toThrow(
      expect.objectContaining({ code: 'SECOND_PERSON_NEEDED' }),
    );
    fleet.order({ kind: 'approve' }, 'bob');
    fleet.tick();
    expect(fleet.ringState('canary')).toBe('passed');
    expect(fleet.rollout.rings[0]?.approvedBy).toBe('bob');
  });

  it.each([{ kind: 'pause' }, { kind: 'abort', mode: 'revert' }] as const)(
    'lets the one who started it stop it alone: %o',
    (order) => {
      const fleet = new FakeFleet(twoRings);
      fleet.tick();
      expect(() => fleet.order(order, fleet.rollout.createdBy)).not.toThrow();
    },
  );

  it('abort keep leaves the rings where they are, and the rest untouched', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.order({ kind: 'abort', mode: 'keep' });
    expect(fleet.rollout.state).toBe('aborted');
    expect([fleet.assigned('canary'), fleet.assigned('fleet')]).toEqual(['1.1.0', '1.0.0']);
    fleet.proves('c');
    fleet.tick(100_000);
    expect(fleet.assigned('fleet')).toBe('1.0.0');
  });

  it('abort revert gives every opened ring back what it ran', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.proves('c');
    fleet.tick();
    fleet.tick(5_000);
    fleet.order({ kind: 'abort', mode: 'revert' });
    expect([fleet.assigned('canary'), fleet.assigned('fleet')]).toEqual(['1.0.0', '1.0.0']);
  });

  it('a halted rollout can still be reverted in the rings that had passed', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.proves('c');
    fleet.tick();
    fleet.tick(5_000);
    fleet.fails('f1');
    fleet.tick(1_000);
    expect(fleet.assigned('canary')).toBe('1.1.0');
    fleet.order({ kind: 'abort', mode: 'revert' });
    expect(fleet.assigned('canary')).toBe('1.0.0');
  });

  it.each(['pause', 'resume', 'approve'] as const)('an ended rollout takes no %s', (kind) => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.order({ kind: 'abort', mode: 'keep' });
    expect(() => fleet.order({ kind })).toThrow(conflict);
    expect(() => fleet.order({ kind: 'abort', mode: 'keep' })).toThrow(conflict);
  });

  it('a newer rollout supersedes', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.apply(supersedeBy(fleet.rollout, '1.2.0', 'ann', fleet.nowMs));
    fleet.proves('c');
    fleet.tick(100_000);
    expect(fleet.rollout.state).toBe('superseded');
    expect(fleet.assigned('fleet')).toBe('1.0.0');
  });
});
