import { expect, it } from 'vitest';
import { device, deviceModel, overview, rollout, rolloutRing } from '../testing/views.ts';
import { type FleetNow, headlineOf } from './headline.ts';

const now = (over: Partial<FleetNow> = {}): FleetNow => {
  const devices = over.devices ?? [device({ id: 'a' }), device({ id: 'b' })];
  return { overview: overview(devices.length), rollouts: [], hasAllDevices: true, ...over, devices };
};

it('says that all devices run what they should', () => {
  expect(headlineOf(now())).toEqual({
    tone: 'ok',
    sentence: 'All 2 devices run what they should',
    findings: [],
  });
});

it('claims nothing about devices that were not read', () => {
  const headline = headlineOf(now({ hasAllDevices: false, overview: overview(500) }));
  expect(headline.sentence).toBe('Nothing is wrong among the first 2 of 500 devices');
});

it('names the release, the ring and the evidence of a halted rollout', () => {
  const gate = {
    verdict: 'FAIL' as const,
    sentence: '1 of 1 device failed.',
    code: 'GATE_TOO_MANY_FAILURES',
    claim: '',
    atMs: 0,
    counts: {
      members: 1,
      executed: 1,
      proven: 0,
      exercised: 0,
      failed: 1,
      regressed: 0,
      unreached: 0,
      incompatible: 0,
      infra: 0,
    },
  };
  const halted = rollout({
    state: 'halted',
    reason: 'Ring canary stopped it.',
    rings: [rolloutRing('canary', { state: 'rolledBack', gate }), rolloutRing('fleet')],
  });
  expect(headlineOf(now({ rollouts: [halted] }))).toMatchObject({
    tone: 'bad',
    sentence: 'tiny 1.1.0 was stopped on ring canary',
    findings: [{ detail: '1 of 1 device failed.', href: `#rollout-${halted.id}` }],
  });
});

it('does not complain about a halted rollout that a newer one of the model has made good', () => {
  const halted = rollout({ state: 'halted', createdAtMs: 1 });
  const good = rollout({ id: 'newer', state: 'completed', createdAtMs: 2 });
  expect(headlineOf(now({ rollouts: [good, halted] })).tone).toBe('ok');
});

it('puts what is bad before what is only worth knowing', () => {
  const offline = device({ id: 'off', isConnected: false });
  const halted = rollout({ state: 'halted' });
  const { findings } = headlineOf(now({ devices: [offline], rollouts: [halted] }));
  expect(findings.map(({ tone }) => tone)).toEqual(['bad', 'warn']);
  expect(findings[1]?.sentence).toBe('1 device not connected: off');
});

it('names a connected device that runs something else and does not move', () => {
  const desired = { version: '2.0.0', digest: `sha256:${'c'.repeat(64)}`, rollout: null };
  const behind = device({ id: 'slow', models: [deviceModel({ desired })] });
  const moving = device({ id: 'busy', models: [deviceModel({ desired, phase: 'downloading' })] });
  expect(headlineOf(now({ devices: [behind] })).sentence).toBe('1 device does not run what it should: slow');
  expect(headlineOf(now({ devices: [moving] })).tone).toBe('moving');
});

it('names three devices and counts the rest', () => {
  const devices = ['a', 'b', 'c', 'd', 'e'].map((id) => device({ id, isConnected: false }));
  expect(headlineOf(now({ devices })).sentence).toBe('5 devices not connected: a, b, c and 2 more');
});

it('tells an empty fleet from an idle one', () => {
  expect(headlineOf(now({ devices: [] })).sentence).toBe('No device has joined yet');
  expect(headlineOf(now({ devices: [device({ models: [] })] })).sentence).toBe(
    '1 device enrolled; no release is assigned yet',
  );
});
