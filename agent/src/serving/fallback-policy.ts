import type { InferCall, InferReply } from '../ports/runtime.ts';

/** What answers while a model has no runner that could. */
export type FallbackPolicy =
  /** The request waits a moment for a restart, then 503. */
  | { readonly kind: 'wait' }
  /** The release before stays loaded and answers; without one, as `wait`. */
  | { readonly kind: 'previous' }
  /** 503 with Retry-After at once. */
  | { readonly kind: 'unavailable' }
  /** An answer that is always the same. */
  | { readonly kind: 'constant'; readonly answer: (call: InferCall) => InferReply };

/** `ringfleet-fallback` of an answer: `true` for the previous release, as it was before there was anything else. */
export const markOf = (who: 'previous' | 'constant'): string => (who === 'previous' ? 'true' : who);

export const WAIT: FallbackPolicy = { kind: 'wait' };
