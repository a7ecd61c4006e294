import type { DetailedPeerCertificate } from 'node:tls';

/** The certificates that a peer showed, its own first, and the roots they were found to lead to; each once, as DER. */
export function peerChain(leaf: DetailedPeerCertificate): Buffer[] {
  const all: Buffer[] = [];
  const seen = new Set<string>();
  for (let one: DetailedPeerCertificate | undefined = leaf; one?.raw; one = one.issuerCertificate) {
    // A self-signed certificate names itself as issuer.
    if (seen.has(one.fingerprint256)) break;
    seen.add(one.fingerprint256);
    all.push(one.raw);
  }
  return all;
}
