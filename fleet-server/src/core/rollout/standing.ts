import { type ErrorClass, lookUpCode } from '@ringfleet/shared/errors';
import type { DeviceModel } from '../domain.ts';

/**
 * Where one device stands with one release. Every device has exactly one standing; a gate only ever counts these.
 * `installed` is not success: only `proven` is (DESIGN §2).
 */
export type Standing =
  /** Has shown no sign of this release and attempt. An offer not taken is never a failure. */
  | 'unreached'
  /** Works on it, but has not run it on live requests yet. */
  | 'moving'
  /** Runs it, not yet on its own word for good. */
  | 'soaking'
  /** The device has committed it; no heartbeat has shown it since. */
  | 'committed'
  | 'proven'
  | 'failed'
  /** Fell back after it had committed. */
  | 'regressed'
  /** Cannot run it at all: no variant fits. */
  | 'incompatible'
  /** Failed for reasons that are not the release's: storage, network, disk, metadata. */
  | 'infra';

/** Classes that never enter a release's failure ratio (DESIGN §7 rule 4). */
const NOT_THE_RELEASE: ReadonlySet<ErrorClass> = new Set(['INFRA', 'SITE', 'TRUST', 'CONFLICT']);

export function standingOf(
  state: DeviceModel | undefined,
  target: { readonly digest: string; readonly attempt: number },
): Standing {
  if (!state) return 'unreached';
  const isAboutIt = state.candidate?.digest === target.digest;
  const isRunning = state.running?.digest === target.digest;
  if (isRunning && !(isAboutIt && state.phase === 'rollingBack')) return runningStanding(state);
  if (isRunning) return state.failure ? failureStanding(state.failure) : 'regressed';
  if (!isAboutIt || (state.candidate?.attempt ?? 0) < target.attempt) return 'unreached';
  return state.failure ? failureStanding(state.failure) : 'moving';
}

/** Has the device run the release, successfully or not? The denominator of the failure ratio. */
export const isExecuted = (standing: Standing): boolean =>
  standing === 'soaking' ||
  standing === 'committed' ||
  standing === 'proven' ||
  standing === 'failed' ||
  standing === 'regressed';

/** The class of a failure; a code of a newer agent counts against the release, which is the careful side. */
export const classOfFailure = (code: string): ErrorClass => lookUpCode(code)?.class ?? 'RELEASE';

function runningStanding(state: DeviceModel): Standing {
  if (!state.isCommitted) return 'soaking';
  return state.isProven ? 'proven' : 'committed';
}

function failureStanding(failure: NonNullable<DeviceModel['failure']>): Standing {
  const errorClass = classOfFailure(failure.code);
  if (NOT_THE_RELEASE.has(errorClass)) return 'infra';
  if (failure.phase === 'offered' && errorClass === 'DEVICE') return 'incompatible';
  if (failure.code === 'RELEASE_REGRESSED') return 'regressed';
  return failure.phase === 'idle' || failure.phase === 'rollingBack' ? 'regressed' : 'failed';
}
