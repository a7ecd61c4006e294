import type { Manifest } from '@ringfleet/shared/release';
import type { Drift, Violation } from '@ringfleet/shared/stats';
import type { ProviderOutcome } from '../core/provider-choice.ts';

/** Everything needed to start one runner. The slot is a verified folder; nothing else is ever loaded. */
export interface RunnerSpec {
  readonly model: string;
  readonly version: string;
  /** sha256 of the manifest, `sha256:<hex>`. */
  readonly digest: string;
  readonly variant: string;
  /** Absolute folder that holds every file of the manifest at its path. */
  readonly slotDir: string;
  readonly manifest: Manifest;
}

/** One V2 request as it came from the wire: the runner decodes it, the agent's loop never does. */
export interface InferCall {
  readonly body: Uint8Array;
  /** `Inference-Header-Content-Length`; absent when the whole body is JSON, 0 when it is the only input's bytes. */
  readonly headerBytes?: number;
  /** 1 (most urgent) to 5; 3 when absent. */
  readonly priority?: number;
}

/** What came of one call. `ok: false` with fault `client` is the request's own fault and never counts against a release. */
export type InferReply =
  | {
      readonly ok: true;
      readonly body: Uint8Array;
      readonly headerBytes?: number;
      /** Time inside session.run, microseconds. */
      readonly computeUs: number;
      /** Time before the runner could begin with it, microseconds. */
      readonly queueUs?: number;
      /** From then to its answer: the way to the runner and back, and what it did there; microseconds. */
      readonly runnerUs?: number;
      /** Of that, decoding, checks and steps before the model. */
      readonly inputUs?: number | undefined;
      /** Of that, steps after the model, checks and encoding. */
      readonly outputUs?: number | undefined;
      /** Which values broke their feature's schema, as `writeDegraded` says it; the body says it too. */
      readonly degraded?: string;
    }
  | {
      readonly ok: false;
      readonly fault: 'client' | 'release';
      /** A code of the catalogue. */
      readonly code: string;
      readonly message: string;
    };

export interface RunnerExit {
  readonly reason: 'stopped' | 'executionLimit' | 'memoryLimit' | 'crashed' | 'startFailed';
  readonly code: string;
  readonly message: string;
}

export const SCORE_BINS = 20;

/** What is wrong with a release's inputs now, as the protocol's WatchAlarm has it. */
export interface RunnerAlarm {
  readonly kind: 'drift' | 'stuck' | 'missing' | 'stale' | 'rate';
  readonly name?: string;
  readonly value: number;
  readonly limit: number;
  readonly samples?: number;
  readonly ageMs: number;
}

export interface FeatureCount {
  readonly name: string;
  /** Empty for a feature without a reference. */
  readonly bins: readonly number[];
  readonly missing: number;
  readonly nonFinite: number;
  /** Outside of what the reference held. */
  readonly outOfRange: number;
  /** Values that broke the feature's schema, by reason; of refused requests too. Absent where there is no schema. */
  readonly violations?: Readonly<Record<Violation, number>>;
}

/** Counts since the runner started; all of them grow only. Bins follow the manifest's profile. */
export interface RunnerCounts {
  /** Requests that ran and gave finite outputs. */
  readonly answers: number;
  /** Failures on schema-valid, finite input. */
  readonly failures: number;
  readonly rejected: number;
  readonly nonFiniteOutputs: number;
  readonly latencyUs: readonly number[];
  /** Answers marked because a value broke its feature's schema. */
  readonly degraded?: number;
  readonly features: readonly FeatureCount[];
  /** How far each feature is from its reference, over its largest full window. Of now, not since the start. */
  readonly psi?: readonly ({ readonly name: string } & Drift)[];
  /** Raised now, the longest first. */
  readonly alarms?: readonly RunnerAlarm[];
  readonly classes?: readonly number[];
  readonly confidence?: readonly number[];
  /** Confidence of the best class in SCORE_BINS equal bins of [0, 1]: the same for every release, so that two can be compared. */
  readonly scores?: readonly number[];
  readonly rssBytes: number;
}

/** Outcome of running a release's samples, its own or those of the active release, on this runner. */
export type CheckResult =
  | { readonly ok: true; readonly count: number; readonly sentence: string; readonly medianUs: number }
  | { readonly ok: false; readonly code: string; readonly sentence: string };

/** A live request run once more by a candidate, compared with what the active release answered. */
export type ShadowReply =
  | {
      readonly ok: true;
      /** Same best class; without labels, outputs within a thousandth. */
      readonly agrees: boolean;
      /** 0 is the same, 1 as far as can be. */
      readonly distance: number;
      readonly computeUs: number;
    }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface Runner {
  readonly spec: RunnerSpec;
  readonly pid: number;
  readonly provider: ProviderOutcome;
  readonly loadMs: number;
  /**
   * Runs one request. A call that runs longer than the manifest's execution limit kills the process; it and every
   * call still queued then reject with RUNNER_GONE, so that the router can ask the previous release.
   */
  infer(call: InferCall, signal?: AbortSignal): Promise<InferReply>;
  /** Runs a request beside the active release and compares the answers; nothing of it is counted. Rejects as `infer` does. */
  shadow(call: InferCall, answer: InferCall, signal: AbortSignal): Promise<ShadowReply>;
  /** Runs the conformance samples of its own slot. */
  checkConformance(signal: AbortSignal): Promise<CheckResult>;
  /** Runs an acceptance set: of its own slot, or of another release's slot (the active one's). */
  checkAcceptance(slotDir: string, manifest: Manifest, signal: AbortSignal): Promise<CheckResult>;
  counts(): Promise<RunnerCounts>;
  /** Settles once, when the process is gone; never rejects. */
  readonly exited: Promise<RunnerExit>;
  /** Drains for at most `graceMs`, then kills. Idempotent. */
  stop(graceMs: number): Promise<void>;
}

/** The launch port: one process per loaded release version (DESIGN §6 "Processes"). */
export interface Runtime {
  /** Resolves when the model is loaded and warm; rejects with RUNNER_START_FAILED, MODEL_LOAD_FAILED, PROVIDER_* or ABORTED. */
  start(spec: RunnerSpec, signal: AbortSignal): Promise<Runner>;
}
