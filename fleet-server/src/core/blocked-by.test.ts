import { describe, expect, it } from 'vitest';
import { deviceView } from './device-view.ts';
import { explain } from './explain.ts';
import { FakeFleet, MODEL } from './rollout/fake-fleet.ts';

const twoRings = { canary: ['c'], fleet: ['f1', 'f2'] };

function view(fleet: FakeFleet, id: string) {
  const { membership, devices } = fleet.snapshot;
  const device = devices.get(id);
  if (!device) throw new Error('no such device');
  const assignments = [...fleet.assignments.values()];
  const models = [...fleet.models.values()];
  return deviceView({ device, membership, assignments, models, rollouts: [fleet.rollout], generation: 7 });
}
const codeOf = (fleet: FakeFleet, id: string) => view(fleet, id).models[0]?.blockedBy?.code ?? null;

describe('blockedBy', () => {
  it('is null for a device that is where it should be', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.proves('c');
    expect(codeOf(fleet, 'c')).toBeNull();
  });

  it.each([
    ['OFFLINE', (fleet: FakeFleet) => fleet.connect('c', false)],
    ['OFFERED', (_: FakeFleet) => undefined],
    ['DOWNLOADING', (fleet: FakeFleet) => fleet.takesUp('c')],
    ['PREFLIGHT', (fleet: FakeFleet) => fleet.takesUp('c', 'preflight')],
    ['SOAKING', (fleet: FakeFleet) => fleet.soaks('c')],
    ['WAITING_FOR_HEARTBEAT', (fleet: FakeFleet) => fleet.commits('c')],
    ['FAILED_RELEASE', (fleet: FakeFleet) => fleet.fails('c')],
    ['FAILED_SITE', (fleet: FakeFleet) => fleet.fails('c', 'DISK_SPACE_LOW', 'offered')],
    ['INCOMPATIBLE', (fleet: FakeFleet) => fleet.fails('c', 'NO_VARIANT_FITS', 'offered')],
  ])('says %s', (code, act) => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    act(fleet);
    expect(codeOf(fleet, 'c')).toBe(code);
  });

  it.each([
    ['HELD_AT_DEVICE', 'It goes on after `ringfleet-agent release` there.', undefined],
    ['WINDOW_CLOSED', 'ready and waits for its window.', 1_800_000_000_000],
    ['SOMETHING_NEW', 'ready and waits for its window.', undefined],
  ])('says what the device says that it waits for: %s', (code, end, until) => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    fleet.takesUp('c', 'ready');
    const state = fleet.models.get('c');
    if (!state) throw new Error('no such device');
    const reason = 'ready and waits for its window';
    fleet.models.set('c', { ...state, waiting: { code, reason, ...(until ? { until } : {}) } });
    const blocked = view(fleet, 'c').models[0]?.blockedBy;
    expect(blocked?.code).toBe(code === 'SOMETHING_NEW' ? 'WAITING' : code);
    expect(blocked?.sentence).toContain(end);
    expect(blocked?.untilMs).toBe(until);
  });

  it('names who holds a device, and why', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    const device = fleet.snapshot.devices.get('c');
    if (!device) throw new Error('no such device');
    const { membership } = fleet.snapshot;
    const held = deviceView({
      device: { ...device, hold: { reason: 'a fair', by: 'ann', sinceMs: 1 } },
      membership,
      assignments: [...fleet.assignments.values()],
      models: [...fleet.models.values()],
      rollouts: [fleet.rollout],
      generation: 7,
    });
    expect(held.models[0]?.blockedBy).toEqual({
      code: 'HELD_BY_SERVER',
      sentence: '1.1.0 waits: ann holds this device (a fair); it goes on after `ringfleet device release`.',
    });
  });

  it('names the ring that a waiting device waits for', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.tick();
    expect(view(fleet, 'f1').models[0]?.blockedBy).toEqual({
      code: 'WAITING_FOR_RING',
      sentence: '1.1.0 reaches ring fleet when ring canary has passed its gate.',
    });
    fleet.order({ kind: 'pause' });
    expect(codeOf(fleet, 'f1')).toBe('ROLLOUT_PAUSED');
    fleet.order({ kind: 'resume' });
    fleet.fails('c');
    fleet.tick(1_000);
    expect(codeOf(fleet, 'f1')).toBe('ROLLOUT_HALTED');
    expect(codeOf(fleet, 'c')).toBeNull();
  });

  it('knows a device that nobody assigns its model any more', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.assignments.clear();
    expect(codeOf(fleet, 'c')).toBe('REMOVING');
  });

  it('shows a model that is wanted and was never reported', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.models.clear();
    expect(view(fleet, 'c')).toMatchObject({
      ring: 'canary',
      generation: 7,
      models: [
        { model: MODEL, phase: 'empty', desired: { version: '1.0.0' }, blockedBy: { code: 'OFFERED' } },
      ],
    });
  });
});

describe('explain', () => {
  it('gives the chain of reasons down to the devices', () => {
    const fleet = new FakeFleet(twoRings);
    fleet.connect('c', false);
    fleet.tick();
    const { sentences, devices } = explain(fleet.snapshot);
    expect(sentences[0]).toBe('The rollout of tiny 1.1.0, started by ann, is running.');
    expect(sentences[1]).toContain('GATE_UNREACHED');
    expect(sentences[2]).toBe('Ring fleet waits for the gate of ring canary.');
    expect(sentences[3]).toContain('c, OFFLINE');
    expect(devices.map(({ device, code }) => [device, code])).toEqual([
      ['c', 'OFFLINE'],
      ['f1', 'WAITING_FOR_RING'],
      ['f2', 'WAITING_FOR_RING'],
    ]);
  });
});
