import { CodedError } from '@ringfleet/shared/errors';
import type { ControlDatabase } from './control-database.ts';

interface TokenRow {
  id: number;
  labels: string;
  uses_left: number;
  expires_at_ms: number;
}

/** Uses up one admission of an enrollment token and answers its labels; runs inside the caller's transaction. */
export function tokenAdmission(
  db: ControlDatabase,
): (secretHash: string, nowMs: number) => Record<string, string> {
  const bySecret = db.prepare<[string], TokenRow>(
    'SELECT id, labels, uses_left, expires_at_ms FROM enrollment_tokens WHERE secret_hash = ?',
  );
  const useUp = db.prepare('UPDATE enrollment_tokens SET uses_left = uses_left - 1 WHERE id = ?');
  return (secretHash, nowMs) => {
    const token = bySecret.get(secretHash);
    if (!token) throw new CodedError('TOKEN_UNKNOWN');
    if (token.expires_at_ms <= nowMs) throw new CodedError('TOKEN_EXPIRED');
    if (token.uses_left <= 0) throw new CodedError('TOKEN_USED_UP');
    useUp.run(token.id);
    return JSON.parse(token.labels) as Record<string, string>;
  };
}
