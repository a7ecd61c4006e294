import { readFile } from 'node:fs/promises';
import { CodedError } from '@ringfleet/shared/errors';
import {
  type Capabilities,
  checkerOf,
  EnrollmentToken,
  EnrollPending,
  EnrollReply,
  type EnrollRequest,
} from '@ringfleet/shared/protocol';
import { verifyRoot } from '@ringfleet/shared/trust';
import type { Clock } from '../ports/clock.ts';
import { untilApproved } from './approval-wait.ts';
import { timeForEnrolling } from './enroll-time.ts';
import { enrollingKey, forgetEnrollingKey } from './enrolling-key.ts';
import { fetchPinnedCa } from './first-contact.ts';
import { callHttps, readJson, refusalOf } from './https-request.ts';
import { isEnrolled, writeIdentity } from './identity.ts';
import { hostOf, PinnedAgent } from './pinned-tls.ts';
import { type ProxyFor, straight } from './proxy-choice.ts';

const PREFIX = 'rfe1.';
const MAX_TOKEN_BYTES = 256 * 1024;
const checkToken = checkerOf(EnrollmentToken, 'enrollment token', 'ENROLLMENT_TOKEN_INVALID');
const checkPending = checkerOf(EnrollPending, 'enrollment reply');
const checkReply = checkerOf(EnrollReply, 'enrollment reply');

export interface EnrollOptions {
  readonly stateDir: string;
  /** The line that `ringfleet token create` printed. */
  readonly token: string;
  /** Else a UUIDv7: hostnames and serial numbers are copied with disk images, so they are no identity. */
  readonly id?: string;
  readonly capabilities: Capabilities;
  /** Shown while a person has to approve; called once. */
  readonly onPending?: (pending: { readonly device: string; readonly code: string }) => void;
  /** How long it waits for that; else an hour. */
  readonly approvalMs?: number;
  readonly clock?: Clock;
  /** Without it: straight there. */
  readonly proxyFor?: ProxyFor;
}

/**
 * Makes the device's key, has the server sign it, and keeps identity and pinned root. Throws ALREADY_ENROLLED,
 * ENROLLMENT_TOKEN_INVALID, CA_PIN_MISMATCH, ENROLLMENT_REFUSED, APPROVAL_TIMEOUT, SERVER_UNREACHABLE and the other codes
 * of `isNoContact`.
 */
export async function enroll(
  options: EnrollOptions,
): Promise<{ readonly fleet: string; readonly device: string }> {
  if (await isEnrolled(options.stateDir)) {
    throw new CodedError('ALREADY_ENROLLED', `${options.stateDir} already holds an identity`, {
      at: options.stateDir,
    });
  }
  const token = readToken(options.token);
  const pinnedRoot = JSON.stringify(token.root);
  verifyRoot(null, pinnedRoot, null);
  const { proxyFor = straight } = options;
  const ca = await fetchPinnedCa(token.url, token.caPin, proxyFor);
  const nowMs = await timeForEnrolling(token.url, ca, pinnedRoot, proxyFor);
  const pin = { caPem: ca, host: hostOf(new URL(token.url)), nowMs };
  const { id, csr, keyPem } = await enrollingKey(options.stateDir, options.id);
  const request = { secret: token.secret, id, csr, capabilities: options.capabilities };
  const reply = await untilApproved(() => send(token, new PinnedAgent(pin, proxyFor), request), {
    ...options,
    id,
    keyPem,
  }).catch(async (err: unknown) => {
    // With another key and id the next try may fare better; what only waits or could not be reached goes on.
    if (err instanceof CodedError && err.code === 'ENROLLMENT_REFUSED') {
      await forgetEnrollingKey(options.stateDir);
    }
    throw err;
  });
  const { fleet, device, apiUrl, mqttUrl, notAfter, certificate, ca: caPem } = reply;
  const identity = {
    v: 1 as const,
    fleet,
    device,
    apiUrl,
    mqttUrl,
    peopleUrl: token.url,
    notAfter,
    keyPem,
    certificatePem: certificate,
    caPem,
  };
  await writeIdentity(options.stateDir, identity, pinnedRoot, token.minimum);
  await forgetEnrollingKey(options.stateDir);
  return { fleet, device };
}

/** Reads the line that `ringfleet token create` printed. Throws ENROLLMENT_TOKEN_INVALID. */
export function readToken(text: string): EnrollmentToken {
  const line = text.trim();
  if (!line.startsWith(PREFIX)) {
    throw new CodedError('ENROLLMENT_TOKEN_INVALID', `the token does not begin with ${PREFIX}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(line.slice(PREFIX.length), 'base64url').toString('utf8'));
  } catch (cause) {
    throw new CodedError('ENROLLMENT_TOKEN_INVALID', 'the token was cut off or changed', { cause });
  }
  return checkToken(value);
}

/** Throws ENROLLMENT_TOKEN_INVALID. */
export async function readTokenFile(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAX_TOKEN_BYTES) throw new Error('too large for a token');
    return bytes.toString('utf8');
  } catch (cause) {
    throw new CodedError('ENROLLMENT_TOKEN_INVALID', `the token file cannot be read: ${path}`, {
      cause,
      at: path,
    });
  }
}

async function send(
  token: EnrollmentToken,
  agent: PinnedAgent,
  request: EnrollRequest,
): Promise<EnrollReply | EnrollPending> {
  const url = `${token.url.replace(/\/+$/, '')}/device/v1/enroll`;
  try {
    const call = { method: 'POST', url, body: JSON.stringify(request), agent, idleMs: 30_000 } as const;
    const response = await callHttps(call);
    if (response.statusCode === 202) {
      return checkPending(await readJson(response, 64 * 1024));
    }
    if (response.statusCode !== 200 && response.statusCode !== 201) {
      const refusal = await refusalOf(response, url);
      throw new CodedError('ENROLLMENT_REFUSED', refusal.message, { cause: refusal });
    }
    return checkReply(await readJson(response, 64 * 1024));
  } finally {
    agent.destroy();
  }
}
