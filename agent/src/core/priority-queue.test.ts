import { expect, it } from 'vitest';
import { MAX_PASSED_OVER, PriorityQueue } from './priority-queue.ts';

function filled(max: number, ...items: readonly (readonly [string, number])[]): PriorityQueue<string> {
  const queue = new PriorityQueue<string>();
  for (const [item, level] of items) expect(queue.push(item, level, max)).toBeUndefined();
  return queue;
}

const all = (queue: PriorityQueue<string>): string[] => {
  const taken: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
};

it('gives the most urgent first, and first come, first served within a level', () => {
  const queue = filled(9, ['b1', 3], ['c', 5], ['a', 1], ['b2', 3], ['control', 0]);
  expect(all(queue)).toEqual(['control', 'a', 'b1', 'b2', 'c']);
  expect(queue.size).toBe(0);
});

it('serves a level that was passed over too often, so that urgent work starves nobody', () => {
  const queue = filled(9, ['patient', 5], ['middle', 3]);
  const order: string[] = [];
  for (let i = 0; i < 4 * MAX_PASSED_OVER; i++) {
    queue.push(`urgent ${i}`, 1, 9);
    order.push(queue.take() ?? '');
  }
  expect(order.indexOf('middle')).toBeLessThanOrEqual(MAX_PASSED_OVER + 1);
  expect(order.indexOf('patient')).toBeLessThanOrEqual(MAX_PASSED_OVER + 1);
  expect(order.filter((item) => item.startsWith('urgent'))).toHaveLength(4 * MAX_PASSED_OVER - 2);
});

it('when full, gives the place of the newest of the least urgent to one that is more urgent', () => {
  const queue = filled(3, ['old', 4], ['new', 4], ['a', 2]);
  expect(queue.push('equal', 4, 3)).toBe('equal');
  expect(queue.push('lower', 5, 3)).toBe('lower');
  expect(queue.push('urgent', 1, 3)).toBe('new');
  expect(queue.push('control', 0, 3)).toBeUndefined();
  expect(all(queue)).toEqual(['control', 'urgent', 'a', 'old']);
});

it('forgets what was given up, and all of it when it is drained', () => {
  const queue = filled(3, ['a', 3], ['b', 3]);
  expect([queue.remove('a'), queue.remove('a'), queue.size]).toEqual([true, false, 1]);
  expect(queue.drain()).toEqual(['b']);
  expect([queue.size, queue.take()]).toEqual([0, undefined]);
});
