import { CodedError } from '@ringfleet/shared/errors';
import type { EnrollmentToken } from '@ringfleet/shared/protocol';
import { readSnapshot, readTimestamp } from '@ringfleet/shared/trust';
import type { Change, TrustStore } from '../../ports/stores.ts';
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
    minimum: await newestVersions(stores.trust),
    secret,
    labels: token.labels,
  };
  return `rfe1.${Buffer.from(JSON.stringify(content)).toString('base64url')}`;
}

/** What a thief of this server must not be able to go behind with a device that knows nothing yet. */
async function newestVersions(trust: TrustStore): Promise<Record<string, number>> {
  const [snapshot, timestamp] = [await trust.get('snapshot'), await trust.get('timestamp')];
  // Nothing was published yet: there is no past to be shown.
  if (snapshot === null || timestamp === null) return {};
  const { version, meta } = readSnapshot(snapshot);
  const listed = Object.entries(meta).map(([file, one]) => [file.replace(/\.json$/, ''), one.version]);
  return { ...Object.fromEntries(listed), snapshot: version, timestamp: readTimestamp(timestamp).version };
}
