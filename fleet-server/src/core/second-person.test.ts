import { describe, expect, it } from 'vitest';
import { personBehind, requireSecondPerson } from './second-person.ts';

const refused = expect.objectContaining({ code: 'SECOND_PERSON_NEEDED' });

describe('the second person', () => {
  it('is somebody else than who started it, however the name is written', () => {
    expect(() => requireSecondPerson('the rollout', 'ada', 'bob')).not.toThrow();
    for (const name of ['ada', 'Ada'])
      expect(() => requireSecondPerson('the rollout', 'ada', name)).toThrow(refused);
  });

  it('is never somebody of whom nobody knows who it is', () => {
    for (const [starter, approver] of [
      [null, 'bob'],
      ['ada', null],
      [null, null],
    ] as const)
      expect(() => requireSecondPerson('the rollout', starter, approver)).toThrow(refused);
  });

  it('is who made the token, not what the token is called', () => {
    const role = 'operator';
    expect(personBehind({ kind: 'person', name: 'ada', role })).toBe('ada');
    expect(personBehind({ kind: 'token', name: 'bob', role, owner: 'ada' })).toBe('ada');
    expect(personBehind({ kind: 'token', name: 'ada', role })).toBeNull();
    expect(personBehind({ kind: 'system', name: 'ada', role })).toBeNull();
  });
});
