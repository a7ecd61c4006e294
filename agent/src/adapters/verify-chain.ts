import { X509Certificate } from 'node:crypto';

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
/** Leaf, intermediate and root, and one more. */
const MAX_LENGTH = 4;

export const NOT_OURS = "the server's certificate does not lead to the pinned authority";

/**
 * Follows a server's chain from its own certificate (the first) up to the pinned authority: issuer, signature, right to
 * issue, right to serve. `nowMs` null leaves the dates out. Answers what is wrong, or null.
 */
export function chainFault(shown: readonly Uint8Array[], caPem: string, nowMs: number | null): string | null {
  const pinned = new X509Certificate(caPem);
  const [leaf, ...others] = shown.map((der) => new X509Certificate(der));
  if (leaf === undefined) return 'the server showed no certificate';
  if (leaf.ca) return "the server's certificate is an authority's";
  const uses: readonly string[] | undefined = leaf.keyUsage;
  if (uses !== undefined && !uses.includes(SERVER_AUTH)) return "the server's certificate is for another use";
  let current = leaf;
  for (let length = 1; length <= MAX_LENGTH; length += 1) {
    const wrongDate = nowMs === null ? null : dateFault(current, nowMs);
    if (wrongDate !== null) return wrongDate;
    if (current.fingerprint256 === pinned.fingerprint256) return null;
    const child = current;
    const issuer = [pinned, ...others].find((one) => hasIssued(one, child));
    if (issuer === undefined) break;
    current = issuer;
  }
  return NOT_OURS;
}

const hasIssued = (issuer: X509Certificate, child: X509Certificate): boolean =>
  issuer.ca && child.checkIssued(issuer) && child.verify(issuer.publicKey);

function dateFault({ subject, validFrom, validTo }: X509Certificate, nowMs: number): string | null {
  const name = subject.replaceAll('\n', ', ');
  if (Date.parse(validFrom) > nowMs)
    return `certificate ${name} begins at ${validFrom}, it is ${iso(nowMs)} here`;
  if (Date.parse(validTo) <= nowMs)
    return `certificate ${name} ended at ${validTo}, it is ${iso(nowMs)} here`;
  return null;
}

const iso = (ms: number): string => new Date(ms).toISOString();
