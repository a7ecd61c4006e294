import { CodedError } from '@ringfleet/shared/errors';
import { readRoot, verifyRoot, verifySignedTime } from '@ringfleet/shared/trust';
import { BUILD_MS } from '../version.ts';
import type { ProxyFor } from './proxy-choice.ts';
import { askTime } from './time-http.ts';
import { TrustedClock } from './trusted-clock.ts';

/**
 * Trusted now for a first contact: a device without a clock could not tell whether the server's certificate is in date.
 * `rootText` is the root that the token pinned.
 */
export async function timeForEnrolling(
  url: string,
  caPem: string,
  rootText: string,
  proxyFor: ProxyFor,
): Promise<() => number> {
  const clock = new TrustedClock({ buildMs: BUILD_MS, persistedMs: 0 });
  try {
    let trusted = rootText;
    const { nonce, reply } = await askTime([{ url, proxyFor }], caPem, readRoot(rootText).version);
    for (const next of reply.roots) {
      verifyRoot(trusted, next, null);
      trusted = next;
    }
    const { atMs } = verifySignedTime(readRoot(trusted), reply.time, { nonce, fleet: null });
    clock.learn({ atMs, persistedMs: 0 });
  } catch (err) {
    // Without signed time the dates are still checked, by this machine's clock; what is wrong then is said there.
    if (!(err instanceof CodedError)) throw err;
  }
  return () => clock.nowMs();
}
