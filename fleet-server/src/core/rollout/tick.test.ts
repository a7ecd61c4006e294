import { describe, expect, it } from 'vitest';
import { FakeFleet, MODEL, NEW, OLD } from './fake-fleet.ts';

const twoRings = { canary: ['c'], fleet: ['f1', 'f2', 'f3'] };

describe('rollout', () => {
  it('goes ring by ring: opens, proves, bakes, passes, completes', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    expect([fleet.assigned('canary'), fleet.assigned('fleet')]).toEqual(['1.1.0', '1.0.0']);
    fleet.proves('c');
    fleet.tick(1_000);
    expect(fleet.gate('canary')).toBe('GATE_BAKING');
    fleet.tick(4_999);
    expect(fleet.ringState('canary')).toBe('open');
    fleet.tick(1);
    expect([fleet.ringState('canary'), fleet.ringState('fleet')]).toEqual(['passed', 'open']);
    expect(fleet.assigned('fleet')).toBe('1.1.0');
    for (const id of ['f1', 'f2', 'f3']) fleet.proves(id);
    fleet.tick(1_000);
    fleet.tick(5_000);
    expect(fleet.rollout.state).toBe('completed');
    expect(fleet.events).toContain('ROLLOUT_COMPLETED');
  });

  it('records what a ring ran before it opened, and carries the soak of the plan', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    expect(fleet.rollout.rings[0]?.previous).toEqual({ version: '1.0.0', digest: OLD.digest, attempt: 1 });
    expect(fleet.assignments.get('canary')).toMatchObject({ rollout: 'r-1', soak: fleet.rollout.soak });
  });

  it('has nothing to write while nothing changes', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.proves('c');
    fleet.tick(1_000);
    const before = fleet.rollout;
    fleet.tick(1_000);
    expect(fleet.rollout).toBe(before);
  });

  it('an empty canary never passes', () => {
    const fleet = new FakeFleet(
      { canary: [], fleet: ['f1'] },
      { minProven: 0, minExercised: 0, minExecuted: 0 },
    );
    fleet.tick();
    fleet.tick(599_999);
    expect([fleet.gate('canary'), fleet.assigned('fleet')]).toEqual(['GATE_RING_EMPTY', '1.0.0']);
    fleet.tick(1);
    expect([fleet.rollout.state, fleet.rollout.reasonCode]).toEqual(['paused', 'ROLLOUT_GATE_DEADLINE']);
  });

  it('a ring that nobody reached is no failure and no success, and pauses at its deadline with a reason', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.connect('c', false);
    fleet.tick();
    expect(fleet.gate('canary')).toBe('GATE_UNREACHED');
    fleet.tick(600_000);
    expect(fleet.rollout).toMatchObject({ state: 'paused', reasonCode: 'ROLLOUT_GATE_DEADLINE' });
    expect(fleet.rollout.reason).toContain('None of 1 device has taken the release up yet');
    expect(fleet.rollout.rings[0]?.gate?.counts).toMatchObject({ failed: 0, unreached: 1, executed: 0 });
  });

  it.each([
    ['downloading', (fleet: FakeFleet) => fleet.takesUp('c')],
    ['soaking', (fleet: FakeFleet) => fleet.soaks('c')],
    ['committed without a heartbeat since', (fleet: FakeFleet) => fleet.commits('c')],
  ])('a device that is %s is no success yet', (_, act) => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    act(fleet);
    fleet.tick(1_000);
    fleet.tick(100_000);
    expect(fleet.ringState('canary')).toBe('open');
    expect(fleet.assigned('fleet')).toBe('1.0.0');
  });

  it('needs a device that real requests exercised', () => {
    const fleet = new FakeFleet(twoRings, { minExercised: 0 });
    fleet.tick();
    fleet.proves('c', { isUnexercised: true });
    fleet.tick(100_000);
    expect(fleet.gate('canary')).toBe('GATE_NEEDS_EXERCISED');
  });

  it('needs the minimum sample before it passes', () => {
    const fleet = new FakeFleet({ canary: ['a', 'b', 'c'] }, { minExecuted: 3 });
    fleet.tick();
    fleet.proves('a');
    fleet.proves('b');
    fleet.tick(100_000);
    expect(fleet.gate('canary')).toBe('GATE_NEEDS_EXECUTED');
  });

  it('needs the minimum sample before a ratio fails', () => {
    const ids = Array.from({ length: 40 }, (_, i) => `d${i}`);
    const fleet = new FakeFleet({ canary: ids }, { maxFailures: 10, minExecuted: 20, minProven: 20 });
    fleet.tick();
    fleet.fails('d0');
    fleet.fails('d1');
    fleet.tick(1_000);
    expect(fleet.rollout.state).toBe('running');
    for (const id of ids.slice(2, 20)) fleet.proves(id);
    fleet.tick(1_000);
    expect(fleet.rollout).toMatchObject({ state: 'halted', reasonCode: 'GATE_FAILURE_RATIO' });
  });

  it('compares ratios exactly: 1 of 20 is not above 5 %', () => {
    const ids = Array.from({ length: 20 }, (_, i) => `d${i}`);
    const fleet = new FakeFleet({ canary: ids }, { maxFailures: 10, minExecuted: 20, minProven: 19 });
    fleet.tick();
    fleet.fails('d0');
    for (const id of ids.slice(1)) fleet.proves(id);
    fleet.tick(1_000);
    fleet.tick(5_000);
    expect(fleet.ringState('canary')).toBe('passed');
  });

  it('rolls the ring back on a failure above the cap, halts, and leaves later rings untouched', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.fails('c', 'ACCEPTANCE_FAILED', 'preflight');
    fleet.tick(1_000);
    expect(fleet.rollout).toMatchObject({ state: 'halted', reasonCode: 'GATE_TOO_MANY_FAILURES' });
    expect(fleet.rollout.reason).toContain('c ACCEPTANCE_FAILED (because)');
    expect(fleet.rollout.reason).toContain('canary to 1.0.0');
    expect([fleet.assigned('canary'), fleet.assigned('fleet')]).toEqual(['1.0.0', '1.0.0']);
    expect([fleet.ringState('canary'), fleet.ringState('fleet')]).toEqual(['rolledBack', 'waiting']);
    fleet.tick(1_000_000);
    expect(fleet.ringState('fleet')).toBe('waiting');
  });

  it('the last ring is still gated', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.proves('c');
    fleet.tick();
    fleet.tick(5_000);
    fleet.fails('f1');
    fleet.tick(1_000);
    expect(fleet.rollout.state).toBe('halted');
    expect([fleet.assigned('canary'), fleet.assigned('fleet')]).toEqual(['1.1.0', '1.0.0']);
  });

  it('rolls everything back when the plan says so', () => {
    const fleet = new FakeFleet(twoRings, { onFailure: 'rollbackAll' });
    fleet.tick();
    fleet.proves('c');
    fleet.tick();
    fleet.tick(5_000);
    fleet.fails('f1');
    fleet.tick(1_000);
    expect([fleet.assigned('canary'), fleet.assigned('fleet')]).toEqual(['1.0.0', '1.0.0']);
    expect([fleet.ringState('canary'), fleet.ringState('fleet')]).toEqual(['rolledBack', 'rolledBack']);
  });

  it('takes the assignment away where the ring ran nothing before', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.assignments.clear();
    fleet.models.clear();
    fleet.tick();
    fleet.fails('c');
    fleet.tick(1_000);
    expect(fleet.assignments.has('canary')).toBe(false);
    expect(fleet.rollout.reason).toContain('canary to nothing');
  });

  it('a release that was yanked since reaches no further ring, and says so', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.proves('c');
    fleet.tick();
    fleet.yanked.add('1.1.0');
    fleet.tick(5_000);
    expect(fleet.rollout).toMatchObject({ state: 'paused', reasonCode: 'ROLLOUT_RELEASE_YANKED' });
    expect(fleet.assigned('fleet')).toBe('1.0.0');
  });

  it('never rolls back to a release that was yanked', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.yanked.add('1.0.0');
    fleet.fails('c');
    fleet.tick(1_000);
    expect(fleet.rollout.state).toBe('halted');
    expect(fleet.rollout.reason).toContain('cannot go back: 1.0.0 was yanked');
    expect(fleet.assigned('canary')).toBe('1.1.0');
  });

  it('a later rollback on a device reopens the gate of a ring that had passed', () => {
    const fleet = new FakeFleet(
      { canary: ['a', 'b'], fleet: ['f'] },
      { minProven: 2, maxFailures: 1, maxFailureBasisPoints: 10_000 },
    );
    fleet.tick();
    fleet.proves('a');
    fleet.proves('b');
    fleet.tick();
    fleet.tick(5_000);
    expect(fleet.ringState('canary')).toBe('passed');
    fleet.fails('a', 'RELEASE_REGRESSED', 'idle');
    fleet.tick(1_000);
    expect(fleet.ringState('canary')).toBe('open');
    expect(fleet.rollout.rings[0]?.gate?.counts).toMatchObject({ regressed: 1, failed: 1, proven: 1 });
    expect(fleet.events).toContain('ROLLOUT_RING_REOPENED');
  });

  it('a regression above the cap stops a rollout even when its ring had passed', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.proves('c');
    fleet.tick();
    fleet.tick(5_000);
    fleet.fails('c', 'RELEASE_REGRESSED', 'idle');
    fleet.tick(1_000);
    expect(fleet.rollout.state).toBe('halted');
    expect(fleet.assigned('canary')).toBe('1.0.0');
  });

  it('the bake starts anew when a needed device falls back and recovers', () => {
    const fleet = new FakeFleet({ canary: ['a', 'b'] }, { maxFailures: 1, maxFailureBasisPoints: 10_000 });
    fleet.tick();
    fleet.proves('a');
    fleet.tick(4_000);
    fleet.takesUp('a');
    fleet.set('a', { running: { ...OLD, variant: 'v' } });
    fleet.tick(1_000);
    fleet.proves('a');
    fleet.tick(1_000);
    fleet.tick(4_999);
    expect(fleet.ringState('canary')).toBe('open');
    fleet.tick(1);
    expect(fleet.ringState('canary')).toBe('passed');
  });

  it.each(['ARTIFACT_CORRUPT', 'DISK_SPACE_LOW', 'METADATA_EXPIRED'])(
    "a server outage or a full disk (%s) pauses as our side and never enters the release's ratio",
    (code) => {
      const fleet = new FakeFleet(twoRings);
      fleet.tick();
      fleet.fails('c', code, 'downloading');
      fleet.tick(1_000);
      expect(fleet.rollout).toMatchObject({ state: 'paused', reasonCode: 'ROLLOUT_OUR_SIDE' });
      expect(fleet.rollout.rings[0]?.gate?.counts).toMatchObject({ failed: 0, executed: 0, infra: 1 });
      expect(fleet.assigned('canary')).toBe('1.1.0');
      fleet.order({ kind: 'resume' });
      fleet.tick(1_000);
      expect(fleet.rollout.state).toBe('running');
      expect(fleet.assignments.get('canary')?.attempt).toBe(2);
    },
  );

  it('one incompatible device does not stall a ring that has enough others', () => {
    const fleet = new FakeFleet({ canary: ['a', 'b', 'c'] }, { minExecuted: 3, minProven: 2 });
    fleet.tick();
    fleet.fails('a', 'NO_VARIANT_FITS', 'offered');
    fleet.proves('b');
    fleet.proves('c');
    fleet.tick();
    fleet.tick(5_000);
    expect(fleet.ringState('canary')).toBe('passed');
    expect(fleet.rollout.rings[0]?.gate?.counts).toMatchObject({ incompatible: 1, failed: 0, executed: 2 });
    expect(fleet.rollout.state).toBe('completedWithStragglers');
  });

  it('a ring where too few can run it pauses at once with the arithmetic', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.fails('c', 'NO_VARIANT_FITS', 'offered');
    fleet.tick(1_000);
    expect(fleet.rollout).toMatchObject({ state: 'paused', reasonCode: 'ROLLOUT_TOO_FEW_COMPATIBLE' });
    expect(fleet.rollout.reason).toContain('which leaves 0; the plan needs 1');
  });

  it('a code that this server does not know counts against the release', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.fails('c', 'SOMETHING_OF_TOMORROW', 'soaking');
    fleet.tick(1_000);
    expect(fleet.rollout.state).toBe('halted');
  });

  it('silence promotes nothing: a ring whose proven devices all vanished waits', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.proves('c');
    fleet.tick();
    fleet.connect('c', false);
    fleet.tick(5_000);
    expect([fleet.gate('canary'), fleet.ringState('canary')]).toEqual(['GATE_SILENT', 'open']);
    fleet.connect('c', true);
    fleet.tick();
    expect(fleet.ringState('canary')).toBe('passed');
  });

  it('work that a device has denied is offered again only with a higher attempt', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.fails('c');
    fleet.tick(1_000);
    expect(fleet.rollout.state).toBe('halted');
    const again = new FakeFleet(twoRings);
    again.models.set('c', fleet.models.get('c') ?? fail());
    again.tick();
    expect(again.assignments.get('canary')?.attempt).toBe(2);
    expect(again.gate('canary')).toBe('GATE_UNREACHED');
  });

  it('an offline device makes it complete with stragglers, and keeps its assignment', () => {
    const fleet = new FakeFleet({ canary: ['a', 'b'] });
    fleet.connect('b', false);
    fleet.tick();
    fleet.proves('a');
    fleet.tick();
    fleet.tick(5_000);
    expect(fleet.rollout.state).toBe('completedWithStragglers');
    expect(fleet.rollout.reason).toContain('b (unreached)');
    expect(fleet.assigned('canary')).toBe('1.1.0');
  });

  it('waits for a reachable device after the last gate, but not beyond its deadline', () => {
    const fleet = new FakeFleet({ canary: ['a', 'b'] });
    fleet.tick();
    fleet.proves('a');
    fleet.soaks('b');
    fleet.tick();
    fleet.tick(5_000);
    expect([fleet.ringState('canary'), fleet.rollout.state]).toEqual(['passed', 'running']);
    fleet.tick(600_000);
    expect(fleet.rollout.state).toBe('completedWithStragglers');
  });

  it('a direct assignment of one of its rings supersedes it', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.assignments.set('canary', {
      ...OLD,
      ring: 'canary',
      model: MODEL,
      attempt: 1,
      rollout: null,
      soak: null,
      sinceMs: 9,
    });
    fleet.proves('c');
    fleet.tick(10_000);
    expect(fleet.rollout).toMatchObject({ state: 'superseded', reasonCode: 'ROLLOUT_SUPERSEDED' });
    expect(fleet.assigned('fleet')).toBe('1.0.0');
  });

  it('pauses with a reason when a ring of the plan is gone', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.rings = fleet.rings.filter(({ name }) => name !== 'canary');
    fleet.tick();
    expect(fleet.rollout).toMatchObject({ state: 'paused', reasonCode: 'ROLLOUT_RING_GONE' });
  });

  it('says what one canary can and cannot show', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.proves('c');
    fleet.tick();
    const claim = fleet.rollout.rings[0]?.gate?.claim ?? '';
    expect(claim).toContain('fewer than 95 %');
    expect(claim).toContain('59 clean devices');
  });

  it('assigns the digest of the rollout to the devices of the ring', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    expect(fleet.assignments.get('canary')?.digest).toBe(NEW.digest);
  });
});

function fail(): never {
  throw new Error('no such device');
}
