import type { Manifest } from './manifest.ts';

export type Limits = Manifest['limits'];
/** Those of a release's limits that an assignment sets for one device; bytes and ms. */
export type TighterLimits = { readonly [K in keyof Limits]?: Limits[K] };

/** The first limit that the assignment would loosen, or null: it may tighten what the publisher signed, nothing else (DESIGN §4). */
export function loosenedLimit(signed: Limits, assigned: TighterLimits = {}): keyof Limits | null {
  return LIMITS.find((name) => (assigned[name] ?? 0) > signed[name]) ?? null;
}

/** What holds on this device: the lesser of both, so that nothing that slipped through could loosen one. */
export function limitsHere(signed: Limits, assigned: TighterLimits = {}): Limits {
  const lesser = (name: keyof Limits): number => Math.min(signed[name], assigned[name] ?? signed[name]);
  return { memoryBytes: lesser('memoryBytes'), loadMs: lesser('loadMs'), inferMs: lesser('inferMs') };
}

const LIMITS = ['memoryBytes', 'loadMs', 'inferMs'] as const;
