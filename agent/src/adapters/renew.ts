import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { CodedError } from '@ringfleet/shared/errors';
import { CertReply, checkerOf, renewalText } from '@ringfleet/shared/protocol';
import { makeKey } from './device-key.ts';
import { callHttps, readJson, refusalOf } from './https-request.ts';
import { type Identity, writeCredential } from './identity.ts';
import { hostOf, PinnedAgent, pinOf } from './pinned-tls.ts';
import type { ProxyFor } from './proxy-choice.ts';

const IDLE_MS = 30_000;
const checkReply = checkerOf(CertReply, 'certificate reply');

export interface RenewOptions {
  readonly stateDir: string;
  readonly identity: Identity;
  /** The device listener: the way in while the certificate is valid. */
  readonly apiUrl: string;
  /** The people listener: the way in when it has ended. */
  readonly peopleUrl: string;
  readonly hasEnded: boolean;
  /** Trusted now. */
  readonly nowMs: () => number;
  /** Without it: straight there. */
  readonly proxyFor?: ProxyFor;
}

/**
 * Makes a new key, has it certified and keeps both. Until they are written, in one file at once, the old ones are used; a
 * lost answer costs nothing. Throws SERVER_UNREACHABLE, SERVER_REFUSED, CERTIFICATE_REPLY_INVALID.
 */
export async function renew(options: RenewOptions): Promise<Identity> {
  const { stateDir, identity, hasEnded } = options;
  const { csr, keyPem } = await makeKey(identity.device);
  const { certificate, notAfter } = await (hasEnded ? askEnded(options, csr) : askValid(options, csr));
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(keyPem))) {
    throw new CodedError('CERTIFICATE_REPLY_INVALID');
  }
  await writeCredential(stateDir, keyPem, certificate);
  return { ...identity, keyPem, certificatePem: certificate, notAfter };
}

/** When the certificate of an identity began and ends. */
export function lifeOf({ certificatePem }: Identity): { notBeforeMs: number; notAfterMs: number } {
  const { validFrom, validTo } = new X509Certificate(certificatePem);
  return { notBeforeMs: Date.parse(validFrom), notAfterMs: Date.parse(validTo) };
}

const askValid = ({ identity, apiUrl, nowMs, proxyFor }: RenewOptions, csr: string): Promise<CertReply> =>
  ask(
    `${apiUrl}/device/v1/cert`,
    { csr },
    new PinnedAgent(pinOf(identity, identity.apiUrl, nowMs), proxyFor),
  );

function askEnded({ identity, peopleUrl, nowMs, proxyFor }: RenewOptions, csr: string): Promise<CertReply> {
  const { fleet, device, keyPem, certificatePem, caPem } = identity;
  const text = Buffer.from(renewalText(fleet, device, csr));
  const signature = sign('sha256', text, createPrivateKey(keyPem)).toString('base64');
  const request = { certificate: certificatePem, csr, signature };
  // No client certificate here: TLS would refuse it.
  const pin = { caPem, host: hostOf(new URL(peopleUrl)), nowMs };
  return ask(`${peopleUrl}/device/v1/cert-renewal`, request, new PinnedAgent(pin, proxyFor));
}

async function ask(url: string, body: object, agent: PinnedAgent): Promise<CertReply> {
  try {
    const call = { method: 'POST', url, body: JSON.stringify(body), agent, idleMs: IDLE_MS } as const;
    const response = await callHttps(call);
    if (response.statusCode !== 200) throw await refusalOf(response, url);
    return checkReply(await readJson(response, 64 * 1024));
  } finally {
    agent.destroy();
  }
}
