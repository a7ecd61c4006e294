import { CodedError } from '@ringfleet/shared/errors';
import { Type } from 'typebox';
import { isWeakPassword, MAX_PASSWORD_LENGTH } from '../core/password-rule.ts';

/** Letters of a person's name; it stands in addresses, sentences and the audit log. */
export const PersonName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$' });
export const Password = Type.String({ minLength: 1, maxLength: MAX_PASSWORD_LENGTH });

export function checkPassword(password: string, name: string): void {
  if (isWeakPassword(password, name))
    throw new CodedError('PASSWORD_WEAK', undefined, { at: 'body/password' });
}
