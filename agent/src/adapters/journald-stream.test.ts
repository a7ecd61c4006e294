import { expect, it } from 'vitest';
import { entryOf, journaldStream } from './journald-stream.ts';

const line = `${JSON.stringify({
  ...{
    level: 'warn',
    time: '2026-01-01T00:00:00.000Z',
    component: 'keeper',
    model: 'meter',
    code: 'RUNNER_CRASHED',
  },
  ...{ err: { message: 'a\nb' }, exit: { reason: 'crashed' }, msg: 'runner ended' },
})}\n`;

it('gives people a sentence, programs the fields, and both the priority', () => {
  const entry = entryOf(line).split('\n');
  expect(entry).toContain('MESSAGE=runner ended: model=meter code=RUNNER_CRASHED (a b)');
  expect(entry).toContain('PRIORITY=4');
  expect(entry).toContain('RINGFLEET_MODEL=meter');
  expect(entry).toContain(`RINGFLEET_JSON=${line.trim()}`);
});

it('names lists of words, and leaves out what has no place in a sentence', () => {
  const said = entryOf(
    JSON.stringify({ level: 'info', msg: 'read', now: ['a.b', 'c.d'], later: [], more: [{}] }),
  );
  expect(said.split('\n')).toContain('MESSAGE=read: now=a.b,c.d');
});

it('hands on what the journal does not take', () => {
  const lines: string[] = [];
  journaldStream(
    () => false,
    (one) => lines.push(one),
  ).write(line);
  expect(lines).toEqual([line]);
});
