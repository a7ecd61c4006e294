import { CodedError } from '@ringfleet/shared/errors';
import { expect, it } from 'vitest';
import { troubleCode } from './trouble-code.ts';

const system = (code: string): Error => Object.assign(new Error(code), { code });

it.each([
  ['ENOSPC', 'DISK_SPACE_LOW'],
  ['EDQUOT', 'DISK_SPACE_LOW'],
  ['EROFS', 'STATE_NOT_WRITABLE'],
  ['EIO', 'STATE_NOT_WRITABLE'],
  ['ENOENT', 'AGENT_INTERNAL'],
])('names the disk and not the agent for %s', (errno, code) => {
  expect(troubleCode(system(errno))).toBe(code);
});

it('keeps the code that an error has, and takes what is no error for its own mistake', () => {
  expect(troubleCode(new CodedError('SLOT_CORRUPT'))).toBe('SLOT_CORRUPT');
  expect(troubleCode(undefined)).toBe('AGENT_INTERNAL');
});
