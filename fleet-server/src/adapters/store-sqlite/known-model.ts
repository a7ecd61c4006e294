import type { ModelTelemetry, Phase, RunningDigest, StateReport } from '@ringfleet/shared/protocol';
import type { DeviceModel } from '../../core/domain.ts';

/** When a report was written, by the device's own counters and clock. */
export interface Written {
  readonly journal: string;
  readonly start: number;
  readonly seq: number;
  readonly atMs: number;
}

/** What a device said last about what runs. */
interface Running {
  readonly running: RunningDigest | null;
  readonly isCommitted: boolean;
  readonly phase: Phase;
}

/**
 * All that is known of one model on one device, kept so that reports may come late and in any order: the newest state
 * report, the newest heartbeat, and sums over the heartbeats of the release that runs.
 */
export interface KnownModel {
  readonly model: string;
  readonly state: (Written & Running & { readonly sinceMs: number }) | null;
  readonly beat: (Written & Running) | null;
  /** When the release that runs was committed; what proves it must be written later. */
  readonly commit: { readonly digest: string; readonly written: Written } | null;
  readonly candidate: DeviceModel['candidate'];
  readonly failure: DeviceModel['failure'];
  /** Absent in what earlier versions wrote. */
  readonly waiting?: DeviceModel['waiting'];
  readonly isUnexercised: boolean;
  /** Sums of heartbeats and the device's own sum at the end of its soak, both of this digest. */
  readonly counts: { readonly digest: string | null; readonly beats: Counts; readonly soak: Counts };
  readonly updatedAtMs: number;
}

interface Counts {
  readonly answers: number;
  readonly failures: number;
  readonly fallbacks: number;
}
const NONE: Counts = { answers: 0, failures: 0, fallbacks: 0 };

export const unknownModel = (model: string): KnownModel => ({
  model,
  state: null,
  beat: null,
  commit: null,
  candidate: null,
  failure: null,
  isUnexercised: false,
  counts: { digest: null, beats: NONE, soak: NONE },
  updatedAtMs: 0,
});

/** Takes in a state report; one that is older than what is known changes nothing. */
export function withState(
  known: KnownModel,
  report: StateReport,
  written: Written,
  currentJournal: string | null,
): KnownModel {
  if (known.state && !isNewerInStream(written, known.state, currentJournal)) return known;
  const running = report.running ?? null;
  const { phase, isCommitted, failure, evidence } = report;
  const counts = countsOf(known, running?.digest ?? null);
  return {
    ...known,
    state: { ...written, running, isCommitted, phase, sinceMs: report.since },
    commit: commitAfter(known.commit, running, isCommitted, written),
    ...candidateAfter(known, report, running),
    waiting: report.waiting ?? null,
    isUnexercised: isCommitted && (report.isUnexercised ?? (known.isUnexercised && counts === known.counts)),
    counts: evidence && !failure ? { ...counts, soak: pick(evidence) } : counts,
    updatedAtMs: Math.max(known.updatedAtMs, written.atMs),
  };
}

/** Takes in one model of a heartbeat. Its counts are added once: the caller passes each heartbeat once. */
export function withBeat(
  known: KnownModel,
  report: ModelTelemetry,
  written: Written,
  currentJournal: string | null,
): KnownModel {
  const running = report.running ?? null;
  const { phase, isCommitted } = report;
  const isNewest = !known.beat || isNewerInStream(written, known.beat, currentJournal);
  const beat = isNewest ? { ...written, running, isCommitted, phase } : known.beat;
  const next: KnownModel = { ...known, beat, updatedAtMs: Math.max(known.updatedAtMs, written.atMs) };
  const counts = countsOf(next, newest(next, currentJournal)?.running?.digest ?? null);
  const isSame = counts.digest !== null && running?.digest === counts.digest;
  return { ...next, counts: isSame ? { ...counts, beats: plus(counts.beats, report) } : counts };
}

/** The model as the core sees it. */
export function toDeviceModel(device: string, known: KnownModel): DeviceModel {
  const now = newest(known, known.beat?.journal ?? known.state?.journal ?? null);
  const { beats, soak } = known.counts;
  return {
    device,
    model: known.model,
    phase: now?.phase ?? 'empty',
    running: now?.running ?? null,
    isCommitted: now?.isCommitted ?? false,
    isUnexercised: known.isUnexercised,
    candidate: known.candidate,
    failure: known.failure,
    waiting: known.waiting ?? null,
    sinceMs: known.state?.sinceMs ?? now?.atMs ?? 0,
    updatedAtMs: known.updatedAtMs,
    // Soak evidence and heartbeats count the same answers, so they are not added.
    answers: Math.max(beats.answers, soak.answers),
    failures: Math.max(beats.failures, soak.failures),
    fallbacks: Math.max(beats.fallbacks, soak.fallbacks),
    isProven: isProven(known, now?.running ?? null),
  };
}

/** A heartbeat written after the commit shows the committed digest, and nothing newer says otherwise. */
function isProven({ commit, beat }: KnownModel, running: RunningDigest | null): boolean {
  return (
    commit !== null &&
    beat?.isCommitted === true &&
    running?.digest === commit.digest &&
    beat.running?.digest === commit.digest &&
    isLater(beat, commit.written, beat.journal)
  );
}

function newest(known: KnownModel, currentJournal: string | null): (Written & Running) | null {
  const { state, beat } = known;
  if (!state || !beat) return state ?? beat;
  // A heartbeat from before the removal gets its number when it is sent, which may be in a later start. What is gone comes
  // back with state reports, never with a heartbeat alone.
  if (state.phase === 'empty' && state.journal === beat.journal && beat.running) return state;
  return isLater(beat, state, currentJournal) ? beat : state;
}

function commitAfter(
  before: KnownModel['commit'],
  running: RunningDigest | null,
  isCommitted: boolean,
  written: Written,
): KnownModel['commit'] {
  if (!isCommitted || running === null) return null;
  return before?.digest === running.digest ? before : { digest: running.digest, written };
}

/** The release the machine is busy with; one that was given up stays shown until another comes or it runs after all. */
function candidateAfter(
  known: KnownModel,
  report: StateReport,
  running: RunningDigest | null,
): Pick<KnownModel, 'candidate' | 'failure'> {
  const { release, attempt, failure, phase } = report;
  const candidate = release ? { version: release.version, digest: release.digest, attempt } : null;
  if (failure) return { candidate: candidate ?? known.candidate, failure };
  const isAtRest = phase === 'idle' || phase === 'empty';
  if (!isAtRest && candidate) {
    const isSame = known.candidate?.digest === candidate.digest && known.candidate.attempt === attempt;
    return { candidate, failure: isSame ? known.failure : null };
  }
  const stillFailed = known.failure !== null && known.candidate?.digest !== running?.digest;
  return stillFailed
    ? { candidate: known.candidate, failure: known.failure }
    : { candidate: null, failure: null };
}

const countsOf = (known: KnownModel, digest: string | null): KnownModel['counts'] =>
  known.counts.digest === digest ? known.counts : { digest, beats: NONE, soak: NONE };

const pick = ({ answers, failures, fallbacks }: Counts): Counts => ({ answers, failures, fallbacks });
const plus = (a: Counts, b: Counts): Counts => ({
  answers: a.answers + b.answers,
  failures: a.failures + b.failures,
  fallbacks: a.fallbacks + b.fallbacks,
});

/** Within one stream the sequence decides; a clock may jump. */
function isNewerInStream(a: Written, b: Written, currentJournal: string | null): boolean {
  if (a.journal !== b.journal) return a.journal === currentJournal;
  return a.start !== b.start ? a.start > b.start : a.seq > b.seq;
}

/** Between two streams of one start only the device's clock can tell. */
function isLater(a: Written, b: Written, currentJournal: string | null): boolean {
  if (a.journal !== b.journal) return a.journal === currentJournal;
  return a.start !== b.start ? a.start > b.start : a.atMs > b.atMs;
}
