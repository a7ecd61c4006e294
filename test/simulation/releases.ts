import { createHash } from 'node:crypto';
import type { SignedRelease } from '@ringfleet/shared/trust';
import { lot, type Random } from './random.ts';

/** What is true of a release, and what nobody is told: devices and server have to find out. */
export type Truth =
  | 'good'
  | 'failsPreflight'
  | 'failsSoak'
  | 'regresses'
  | 'killsAgent'
  | 'killsAgentInSoak'
  | 'doesNotFit';

export interface SimRelease extends SignedRelease {
  readonly model: string;
  readonly digest: string;
  readonly truth: Truth;
  /** Share of the devices that it is true on. */
  readonly share: number;
}

const BAD: readonly Truth[] = [
  'failsPreflight',
  'failsSoak',
  'failsSoak',
  'regresses',
  'killsAgent',
  'killsAgentInSoak',
  'doesNotFit',
];

/** The n-th release of a model, from 1. The first one is good: something has to run. */
export function releaseOf(model: string, n: number, random: Random): SimRelease {
  const sha256 = createHash('sha256').update(`${model} ${n}`).digest('hex');
  const isGood = n === 1 || random.chance(0.6);
  return {
    model,
    version: `1.${n}.0`,
    releaseCounter: n,
    length: 1000 + n,
    sha256,
    digest: `sha256:${sha256}`,
    truth: isGood ? 'good' : random.pick(BAD),
    share: random.pick([1, 1, 0.5, 0.2]),
  };
}

/** What a device meets when it tries the release. */
export const truthOn = (release: SimRelease, device: string): Truth =>
  lot(release.digest, device) < release.share ? release.truth : 'good';
