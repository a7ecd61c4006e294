import type { ShadowTerms } from '@ringfleet/shared/protocol';

/** What was seen of a candidate beside the active release so far. */
export interface ShadowSeen {
  readonly seenMs: number;
  readonly compared: number;
  readonly agreed: number;
  /** Requests that the active release answered and the candidate did not. */
  readonly failures: number;
  /** How the candidate's process ended by itself, once it did. */
  readonly exit: { readonly code: string; readonly message: string } | null;
  /** Set when it cannot run here beside the active one, or its answers cannot be compared. */
  readonly misfit: string | null;
}

export type ShadowVerdict =
  | { readonly verdict: 'continue' }
  | { readonly verdict: 'PASS' | 'INCONCLUSIVE'; readonly sentence: string }
  | { readonly verdict: 'FAIL'; readonly code: string; readonly sentence: string };

const MAX_FAILURE_RATIO = 0.05;
const MIN_FAILURE_SAMPLE = 20;

/** Hard evidence fails at once; too little of it by the deadline is INCONCLUSIVE, never a failure. */
export function judgeShadow(seen: ShadowSeen, terms: ShadowTerms): ShadowVerdict {
  const { exit, misfit, compared, agreed, failures, seenMs } = seen;
  if (exit) return { verdict: 'FAIL', code: exit.code, sentence: exit.message };
  const sample = compared + failures;
  if (sample >= MIN_FAILURE_SAMPLE && failures > MAX_FAILURE_RATIO * sample) {
    const sentence = `${failures} of ${sample} live requests that the active release answered failed in the shadow`;
    return { verdict: 'FAIL', code: 'SHADOW_FAILURES', sentence };
  }
  if (misfit) return { verdict: 'INCONCLUSIVE', sentence: misfit };
  const words = `${agreed} of ${compared} answers agreed with the active release`;
  if (compared >= terms.minInferences && compared > 0) {
    if (agreed * 1000 >= terms.minAgreementPerMille * compared) return { verdict: 'PASS', sentence: words };
    const sentence = `${words}, asked are ${terms.minAgreementPerMille / 10} %`;
    return { verdict: 'FAIL', code: 'SHADOW_DISAGREES', sentence };
  }
  if (seenMs < terms.deadlineMs) return { verdict: 'continue' };
  return {
    verdict: 'INCONCLUSIVE',
    sentence: `${words}; that was too few of ${terms.minInferences} in time`,
  };
}

/** The candidate may take a quarter of the time; after a run of `tookMs` it rests three times as long. */
export const restAfter = (tookMs: number): number => 3 * tookMs;
