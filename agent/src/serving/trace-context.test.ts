import { expect, it } from 'vitest';
import { traceContextOf } from './trace-context.ts';

const parent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const of = (headers: Record<string, unknown>) => traceContextOf((name) => headers[name]);

it('takes a well-formed context, with its state', () => {
  expect(of({ traceparent: parent })).toEqual({ traceparent: parent });
  expect(of({ traceparent: parent, tracestate: 'a=1,b=2' })).toEqual({
    traceparent: parent,
    tracestate: 'a=1,b=2',
  });
});

it.each([
  undefined,
  'nonsense',
  parent.toUpperCase(),
  `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
  `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`,
  `ff${parent.slice(2)}`,
  [parent, parent],
])('drops %j', (traceparent) => {
  expect(of({ traceparent, tracestate: 'a=1' })).toBeUndefined();
});

it('drops a state that could not be a header again', () => {
  expect(of({ traceparent: parent, tracestate: 'a=1\r\nx: y' })).toEqual({ traceparent: parent });
  expect(of({ traceparent: parent, tracestate: 'a'.repeat(513) })).toEqual({ traceparent: parent });
});
