import { CodedError } from '@ringfleet/shared/errors';

/** What an error number of the system means to whoever reads it on the server. */
const SYSTEM_CODES: Readonly<Record<string, string>> = {
  ENOSPC: 'DISK_SPACE_LOW',
  EDQUOT: 'DISK_SPACE_LOW',
  EROFS: 'STATE_NOT_WRITABLE',
  EIO: 'STATE_NOT_WRITABLE',
};

/** The typed reason of a step that failed; AGENT_INTERNAL where nobody thought of it. */
export function troubleCode(err: unknown): string {
  if (err instanceof CodedError) return err.code;
  const code = err instanceof Error && 'code' in err ? String(err.code) : '';
  return SYSTEM_CODES[code] ?? 'AGENT_INTERNAL';
}
