import { expect, it } from 'vitest';
import { isWeakPassword } from './password-rule.ts';

it.each(['short', 'aaaaaaaaaaaaaaa', 'ada-ada-ada-1', 'Password12345', '123456789012'])(
  'refuses %s',
  (text) => {
    expect(isWeakPassword(text, 'ada')).toBe(true);
  },
);

it.each(['correct horse battery', 'Grün-ist-der-Hafen', 'x7!kd0_mmQ2z'])('takes %s', (text) => {
  expect(isWeakPassword(text, 'ada')).toBe(false);
});
