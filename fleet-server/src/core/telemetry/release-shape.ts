import type { Manifest } from '@ringfleet/shared/release';
import { binCount } from '@ringfleet/shared/stats';

/** What counts of a release must look like: how many bins its watched numbers have, by its manifest. */
export interface ReleaseShape {
  /** By name: the input that a feature is taken from, and its bins; 0 where it has a schema and no reference. */
  readonly features: ReadonlyMap<string, { readonly input: string; readonly bins: number }>;
  /** Predicted classes; 0 where the release declares no labels. */
  readonly classes: number;
  /** Bins of the confidence; 0 where it is not watched. */
  readonly confidence: number;
}

export function shapeOf(manifest: Manifest): ReleaseShape {
  const { features, profile, labels } = manifest;
  const binsOf = (name: string): number => {
    const known = profile?.features.find((candidate) => candidate.name === name);
    return known ? binCount(known) : 0;
  };
  return {
    features: new Map(features.map(({ name, input }) => [name, { input, bins: binsOf(name) }])),
    classes: labels?.names.length ?? 0,
    confidence: profile?.confidence ? binCount(profile.confidence) : 0,
  };
}
