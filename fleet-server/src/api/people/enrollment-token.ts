import { CodedError } from '@ringfleet/shared/errors';
import type { EnrollmentToken } from '@ringfleet/shared/protocol';
import type { Change } from '../../ports/stores.ts';
import { hashSecret, newSecret } from '../credentials.ts';
import type { PeopleParts } from './parts.ts';

export interface NewToken {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly uses: number;
  readonly expiresAtMs: number;
  /** The one identity that it admits to: a new board takes that over with its history. */
  readonly device?: string;
  /** Every device that comes with it waits for a person. */
  readonly needsApproval?: boolean;
}

/** Stores the secret's digest and answers the text that a person carries to the device. Throws TRUST_NOT_INITIALISED. */
export async function makeEnrollmentToken(
  { stores, caPin, config }: Pick<PeopleParts, 'stores' | 'caPin' | 'config'>,
  token: NewToken,
  change: Change,
): Promise<string> {
  const root = await stores.trust.get('root');
  if (root === null) throw new CodedError('TRUST_NOT_INITIALISED');
  const secret = newSecret();
  await stores.tokens.createEnrollment({ ...token, secretHash: hashSecret(secret) }, change);
  const content: EnrollmentToken = {
    v: 1,
    url: config.publicUrl(),
    caPin,
    root: JSON.parse(root) as unknown,
    secret,
    labels: token.labels,
  };
  return `rfe1.${Buffer.from(JSON.stringify(content)).toString('base64url')}`;
}
