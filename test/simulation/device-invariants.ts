import type { UpdateState } from '../../agent/src/core/update-state.ts';
import type { DeviceLedger } from './device-ledger.ts';
import type { SlotShelf } from './slot-shelf.ts';
import { require } from './violation.ts';

/** How long a device may need after a start, or after a decision, until the right release answers (DESIGN §10). */
export const SERVES_WITHIN_MS = 10_000;

export interface ServingView {
  readonly device: string;
  readonly nowMs: number;
  readonly state: UpdateState;
  readonly shelf: SlotShelf;
  /** Digest of what answers requests; null: nothing. */
  readonly routed: string | null;
  /** Since when this process runs and wants what it wants now. */
  readonly wantedSinceMs: number;
  readonly wanted: string | null;
}

/** What answers is a release that lies whole and verified on the disk: the old or the new one, never a mixture. */
export function servesAWholeRelease(view: ServingView): void {
  const { device, state, shelf, routed, wanted, nowMs, wantedSinceMs } = view;
  // A process that is about to be stopped needs its folder no more.
  const isLeaving = routed !== wanted && nowMs - wantedSinceMs < SERVES_WITHIN_MS;
  if (routed === null || isLeaving) return;
  const slot = shelf.byDigest(state.model, routed);
  require('servesAWholeRelease', slot?.isVerified === true && slot.files.length === 3, () =>
    slot === null
      ? `${device} answers with ${state.model} ${routed.slice(7, 15)}, which is not on its disk`
      : `${device} answers with ${state.model} ${slot.version}, of which ${slot.files.length} of 3 files are there`);
  require('servesAWholeRelease', slot?.files.every((file) => file === routed) ?? false, () =>
    `${device} answers with a mixture of releases of ${state.model}`);
}

/** What answers is known to the machine: committed, the one before it, or the candidate that was proven in preflight. */
export function servesOldOrNew({ device, state, routed, nowMs, wantedSinceMs }: ServingView): void {
  if (routed === null || nowMs - wantedSinceMs < SERVES_WITHIN_MS) return;
  const known = [state.committed, state.previous, 'candidate' in state ? state.candidate : null];
  require('servesOldOrNew', known.some((one) => one?.digest === routed), () =>
    `${device} answers with ${routed.slice(7, 15)}, which is neither old nor new in phase ${state.phase}`);
}

/** Whoever has a committed release answers with what it should, soon after a start or a decision. */
export function alwaysServes(view: ServingView): void {
  const { device, state, routed, wanted, nowMs, wantedSinceMs, shelf } = view;
  // Whatever the machine asks for: only a model that is taken away answers nothing once it has a committed release.
  const due = wanted ?? (state.phase === 'removing' ? null : (state.committed?.digest ?? null));
  if (due === null || nowMs - wantedSinceMs < SERVES_WITHIN_MS) return;
  if (shelf.byDigest(state.model, due)?.isRotten) return;
  // A switch that the disk has not taken down yet: the new one answers, and is asked for again after a start.
  const isSwitching = state.phase === 'activating' && routed === state.candidate.digest;
  require('alwaysServes', routed === due || isSwitching, () =>
    `${device} should answer with ${due.slice(7, 15)} and answers with ${routed?.slice(7, 15) ?? 'nothing'} (${state.phase})`);
}

/** What is proven stays on the disk, and what it came from: nothing else can be gone back to. */
export function holdsActiveAndPrevious(device: string, state: UpdateState, shelf: SlotShelf): void {
  for (const one of [state.committed, state.previous]) {
    if (one === null || state.phase === 'removing') continue;
    require('holdsActiveAndPrevious', shelf.byDigest(state.model, one.digest) !== null, () =>
      `${device} has thrown ${state.model} ${one.version} away in ${state.phase}, which it may still need`);
  }
}

/** Nothing begins that is below the highest floor this device ever had; a start or a crash lowers none. */
export function neverBelowTheFloor(device: string, state: UpdateState, ledger: DeviceLedger): void {
  if (!('job' in state)) return;
  const floor = ledger.floors.get(state.model) ?? 0;
  require('neverBelowTheFloor', state.job.releaseCounter >= floor, () =>
    `${device} takes up ${state.model} ${state.job.version} (counter ${state.job.releaseCounter}) below its floor ${floor}`);
}

/** A try that failed is not begun again before its attempt was raised. */
export function noTryTwice(
  device: string,
  before: UpdateState,
  state: UpdateState,
  ledger: DeviceLedger,
): void {
  if (state.phase !== 'offered' || before.phase === 'offered') return;
  const barred = ledger.barred(state.model, state.job.digest);
  require('noTryTwice', state.job.attempt > barred, () =>
    `${device} tries ${state.model} ${state.job.version} again at attempt ${state.job.attempt}, which failed at ${barred}`);
}

/** A release that kills the agent is given up after so many deaths. */
export function endsBootLoops(device: string, kills: number, otherDeaths: number, limit: number): void {
  require('endsBootLoops', kills <= limit + 1 + otherDeaths, () =>
    `${device} was killed ${kills} times by one try of one release`);
}

/** What is accepted only ever grows: no older assignment after a newer one, whatever the network does. */
export function acceptsOnlyNewer(
  device: string,
  before: { readonly tufVersion: number; readonly generation: number } | null,
  now: { readonly tufVersion: number; readonly generation: number },
): void {
  const isNewer =
    before === null || (now.tufVersion > before.tufVersion && now.generation >= before.generation);
  require('acceptsOnlyNewer', isNewer, () =>
    `${device} accepted version ${now.tufVersion} generation ${now.generation} after ${before?.tufVersion} generation ${before?.generation}`);
}

/** What is committed has gone through download, verification, preflight and soak in this very try. */
export function commitsOnlyWhatSoaked(device: string, before: UpdateState, state: UpdateState): void {
  const isNew = state.committed !== null && state.committed.digest !== before.committed?.digest;
  if (!isNew) return;
  const isGoingBack = before.phase === 'rollingBack' && before.previous.digest === state.committed?.digest;
  require('commitsOnlyWhatSoaked', before.phase === 'soaking' || isGoingBack, () =>
    `${device} committed ${state.model} ${state.committed?.version} out of ${before.phase}`);
}
