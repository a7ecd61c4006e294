/** What a site wants of a model's runs: the answer soonest, little of the device, or as little as possible. */
export type RunProfile = 'latency' | 'balanced' | 'power';

/** How ONNX Runtime is set up for a profile. */
export interface RunSettings {
  readonly intraOpThreads: number;
  /** Threads look for work without sleeping: sooner there, and half a core gone at thirty inferences a second. */
  readonly isSpinning: boolean;
  /** Memory is kept between runs. Without it runs are slower, and the process smaller. */
  readonly hasArena: boolean;
}

/** For probes, descriptions and whatever else runs a model once. */
export const ONE_THREAD: RunSettings = { intraOpThreads: 1, isSpinning: false, hasArena: true };

/**
 * Settings of a profile. `asked` is what the release says of threads: kept by `balanced`, a lower bound for `latency`,
 * which takes all cores, and ignored by `power`, which takes one.
 */
export function settingsOf(profile: RunProfile, asked: number | undefined, cores: number): RunSettings {
  switch (profile) {
    case 'latency': {
      const intraOpThreads = Math.max(1, cores, asked ?? 1);
      return { intraOpThreads, isSpinning: intraOpThreads > 1, hasArena: true };
    }
    case 'balanced':
      return { intraOpThreads: asked ?? 1, isSpinning: false, hasArena: true };
    case 'power':
      return { intraOpThreads: 1, isSpinning: false, hasArena: false };
    default:
      return profile satisfies never;
  }
}
