import { verifySignatures } from './signatures.ts';
import { parseDocument, type UnverifiedDocument } from './signed-document.ts';
import type { Role, TufKey } from './types.ts';

/** How far the signing of a document by one role has come; key ids in the role's own order. */
export interface SigningProgress {
  readonly signed: readonly string[];
  readonly missing: readonly string[];
  readonly threshold: number;
  readonly isMet: boolean;
}

/** Which keys of a role have signed a document validly. Signatures that do not fit count as missing. */
export function signingProgress(text: string, role: Role): SigningProgress {
  const document = parseDocument(text);
  const [signed, missing]: [string[], string[]] = [[], []];
  for (const [keyid, key] of role.keys) {
    (isSignedBy(document, keyid, key) ? signed : missing).push(keyid);
  }
  // One key under two ids counts once, as it does when a device counts.
  const different = new Set(signed.map((keyid) => role.keys.get(keyid)?.keyval.public));
  return { signed, missing, threshold: role.threshold, isMet: different.size >= role.threshold };
}

function isSignedBy(document: UnverifiedDocument, keyid: string, key: TufKey): boolean {
  const signatures = document.signatures.filter((one) => one.keyid === keyid);
  try {
    const alone = { keys: new Map([[keyid, key]]), threshold: 1 };
    verifySignatures('the document', alone, { ...document, signatures });
    return true;
  } catch {
    // Not signed by this key, or not validly: it is missing, which the caller tells.
    return false;
  }
}
