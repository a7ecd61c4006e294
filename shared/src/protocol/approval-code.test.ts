import { expect, it } from 'vitest';
import { approvalCode, normalApprovalCode } from './approval-code.ts';

it('shows 40 bits of the key as eight characters that can be read aloud', () => {
  expect(approvalCode(new Uint8Array([0, 0, 0, 0, 0, 9]))).toBe('00000000');
  expect(approvalCode(new Uint8Array([255, 255, 255, 255, 255]))).toBe('ZZZZZZZZ');
  expect(approvalCode(new Uint8Array([0x08, 0x42, 0x10, 0x84, 0x21]))).toBe('11111111');
});

it('takes what a person types', () => {
  expect(normalApprovalCode('ab1l-o0 zz')).toBe('AB1100ZZ');
});
