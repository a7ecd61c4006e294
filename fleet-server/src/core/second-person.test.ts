import { expect, it } from 'vitest';
import { requireSecondPerson } from './second-person.ts';

it('lets somebody else approve, and not the one who started, however the name is written', () => {
  expect(() => requireSecondPerson('the rollout', 'ada', 'bob')).not.toThrow();
  for (const name of ['ada', 'Ada'])
    expect(() => requireSecondPerson('the rollout', 'ada', name)).toThrow(
      expect.objectContaining({ code: 'SECOND_PERSON_NEEDED' }),
    );
});
