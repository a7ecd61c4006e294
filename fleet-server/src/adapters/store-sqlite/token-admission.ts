import { CodedError } from '@ringfleet/shared/errors';
import type { TokenAdmission } from '../../ports/stores.ts';
import type { ControlDatabase } from './control-database.ts';

interface TokenRow {
  id: number;
  labels: string;
  uses_left: number;
  expires_at_ms: number;
  device: string | null;
  needs_approval: number;
}

export interface TokenDesk {
  /** What a token admits to, without using it. Throws TOKEN_UNKNOWN, TOKEN_EXPIRED, TOKEN_USED_UP. */
  look(secretHash: string, nowMs: number): TokenAdmission;
  /** Uses up one admission; runs inside the caller's transaction. Throws as `look`. */
  admit(secretHash: string, nowMs: number): TokenAdmission;
}

/** Where enrollment tokens are checked. */
export function tokenDesk(db: ControlDatabase): TokenDesk {
  const bySecret = db.prepare<[string], TokenRow>('SELECT * FROM enrollment_tokens WHERE secret_hash = ?');
  const useUp = db.prepare('UPDATE enrollment_tokens SET uses_left = uses_left - 1 WHERE id = ?');
  function usable(secretHash: string, nowMs: number): TokenRow {
    const token = bySecret.get(secretHash);
    if (!token) throw new CodedError('TOKEN_UNKNOWN');
    if (token.expires_at_ms <= nowMs) throw new CodedError('TOKEN_EXPIRED');
    if (token.uses_left <= 0) throw new CodedError('TOKEN_USED_UP');
    return token;
  }
  return {
    look: (secretHash, nowMs) => toAdmission(usable(secretHash, nowMs)),
    admit(secretHash, nowMs) {
      const token = usable(secretHash, nowMs);
      useUp.run(token.id);
      return toAdmission(token);
    },
  };
}

const toAdmission = ({ labels, device, needs_approval }: TokenRow): TokenAdmission => ({
  labels: JSON.parse(labels) as Record<string, string>,
  device,
  needsApproval: needs_approval === 1,
});
