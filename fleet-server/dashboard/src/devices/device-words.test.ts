import { expect, it } from 'vitest';
import { deviceModel } from '../testing/views.ts';
import { lookOf } from './device-words.ts';

const candidate = { version: '1.2.0', digest: `sha256:${'d'.repeat(64)}`, attempt: 1 };

it('says what a moving device does, and with which release', () => {
  expect(lookOf(deviceModel({ phase: 'downloading', candidate })).words).toBe('Downloading 1.2.0');
  expect(lookOf(deviceModel({ phase: 'soaking', candidate })).words).toBe('On probation 1.2.0');
});

it('tells a release that was refused from one that had answered requests', () => {
  const failed = (phase: 'preflight' | 'soaking') =>
    deviceModel({ candidate, failure: { code: 'X', reason: 'x', phase } });
  expect(lookOf(failed('preflight'))).toMatchObject({ tone: 'bad', words: 'Refused 1.2.0' });
  expect(lookOf(failed('soaking'))).toMatchObject({ tone: 'bad', words: 'Came back from 1.2.0' });
});

it('never calls a release proven before a heartbeat has shown it', () => {
  expect(lookOf(deviceModel({ isProven: false })).words).toBe('Committed, proof to come');
  expect(lookOf(deviceModel()).words).toBe('Proven');
  expect(lookOf(deviceModel({ isUnexercised: true }))).toMatchObject({
    tone: 'warn',
    words: 'Committed without traffic',
  });
});

it('shows a phase of a newer server by its name', () => {
  const model = { ...deviceModel(), phase: 'dreaming' };
  expect(lookOf(model as ReturnType<typeof deviceModel>).words).toBe('In phase dreaming');
});
