import { expect, it } from 'vitest';
import { RequestWatch } from './request-watch.ts';

const MINUTE = 60_000;

it('tells that nobody asks any more, and that somebody does again', () => {
  const watch = new RequestWatch({ staleAfterMs: 10 * MINUTE }, 0);
  expect(watch.alarms(10 * MINUTE)).toEqual([]);
  expect(watch.alarms(12 * MINUTE)).toEqual([
    { kind: 'stale', value: 12 * MINUTE, limit: 10 * MINUTE, ageMs: 2 * MINUTE },
  ]);
  watch.add(12 * MINUTE);
  expect(watch.alarms(12 * MINUTE)).toEqual([]);
});

it('tells too few requests after an hour, and too many at once', () => {
  const few = new RequestWatch({ perHour: { min: 60 } }, 0);
  for (let minute = 0; minute < 180; minute++) {
    few.add(minute * MINUTE);
    expect(few.alarms(minute * MINUTE)).toEqual([]);
  }
  for (let minute = 180; minute < 300; minute += 2) few.add(minute * MINUTE);
  expect(few.alarms(300 * MINUTE)).toMatchObject([{ kind: 'rate', limit: 60 }]);
  const many = new RequestWatch({ perHour: { max: 100 } }, 0);
  for (let i = 0; i <= 100; i++) many.add(i);
  expect(many.alarms(200)).toMatchObject([{ kind: 'rate', value: 101, limit: 100, ageMs: 0 }]);
  expect(many.alarms(5 * MINUTE)).toMatchObject([{ kind: 'rate' }]);
  expect(many.alarms(90 * MINUTE)).toEqual([]);
});

it('watches nothing that is not declared', () => {
  expect(new RequestWatch({}, 0).alarms(1e12)).toEqual([]);
});
