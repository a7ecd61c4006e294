import { CodedError } from '@ringfleet/shared/errors';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { DiskWatch } from './disk-watch.ts';
import { onceWritable } from './once-writable.ts';

const disk = new DiskWatch(() => 7);
const around = {
  clock: { sleep: () => Promise.resolve() },
  log: pino({ level: 'silent' }),
  disk,
  what: 'a step',
};
const never = new AbortController().signal;

it('does a step again until the disk takes it', async () => {
  let tries = 0;
  const step = async (): Promise<string> => {
    tries += 1;
    if (tries < 4) throw new CodedError('STATE_NOT_WRITABLE', `ENOSPC ${tries}`);
    expect(disk.trouble).toEqual({ message: 'ENOSPC 3', sinceMs: 7 });
    return 'done';
  };
  expect(await onceWritable(step, around, never)).toBe('done');
  expect(tries).toBe(4);
  expect(disk.trouble).toBeNull();
});

it('does no step again that failed for another reason', async () => {
  const step = (): Promise<never> => Promise.reject(new CodedError('SLOT_CORRUPT'));
  await expect(onceWritable(step, around, never)).rejects.toMatchObject({ code: 'SLOT_CORRUPT' });
});

it('ends when nobody waits for the step any more', async () => {
  const over = new AbortController();
  const step = (): Promise<never> => {
    over.abort();
    return Promise.reject(new CodedError('STATE_NOT_WRITABLE', 'ENOSPC'));
  };
  await expect(onceWritable(step, around, over.signal)).rejects.toMatchObject({ code: 'STATE_NOT_WRITABLE' });
  expect(disk.trouble).toBeNull();
});
