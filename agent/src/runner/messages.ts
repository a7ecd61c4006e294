import type { Manifest, TensorSpec } from '@ringfleet/shared/release';
import type { PassedOver, ProviderOutcome } from '../core/provider-choice.ts';
import type { RunProfile } from '../core/run-profile.ts';
import type { CheckResult, RunnerSpec, ShadowReply } from '../ports/runtime.ts';
import type { BackendChoice } from './backends/backend.ts';

/** Agent to runner. `terminate` ends the run of that id and has no answer of its own. `load`, `acceptance`, `describe` and `probe` carry JSON in the body, `infer` the request as it came from the wire. */
export type RunnerRequest =
  | {
      readonly id: number;
      readonly op: 'load' | 'counts' | 'conformance' | 'acceptance' | 'describe' | 'probe';
    }
  | {
      readonly id: number;
      readonly op: 'infer';
      readonly headerBytes?: number;
      /** Say `started` before the run, so that decoding a large body is not timed as execution. */
      readonly announce?: boolean;
    }
  | { readonly id: number; readonly op: 'terminate' }
  | {
      readonly id: number;
      readonly op: 'shadow';
      /** The body is the request of this many bytes, then the answer of the active release. */
      readonly requestBytes: number;
      readonly headerBytes?: number;
      readonly answerHeaderBytes?: number;
      readonly announce?: boolean;
    };

export interface LoadBody extends RunnerSpec {
  readonly runtime?: BackendChoice;
  /** Providers that are not to be tried, because their probe failed on this device. */
  readonly unusable?: readonly PassedOver[];
  /** `balanced` when absent. */
  readonly profile?: RunProfile;
}

/** `compiling` has a budget of its own; the load limit counts anew when `loading` comes after it. */
export type LoadStage = 'compiling' | 'loading';
export interface AcceptanceBody {
  readonly slotDir: string;
  readonly manifest: Manifest;
}

/** Asks for the signature of a model file that has no manifest. */
export interface DescribeBody {
  readonly path: string;
  readonly runtime?: BackendChoice;
}

/** Asks what one provider does on this device; the answer is a ProbeAnswer. */
export interface ProbeBody {
  readonly provider: string;
  readonly runtime: BackendChoice;
}
export interface ModelSignature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

export type ProviderChoice = ProviderOutcome;

/** What a runner that systemd started says unasked, first of all: the agent did not make its process and must be able to end it. */
export interface RunnerHello {
  readonly is: 'hello';
  readonly pid: number;
}

/** Runner to agent. `started` restarts the clock of the execution limit: a run begins now. */
export type RunnerReply =
  | { readonly id: number; readonly is: 'started' }
  | { readonly id: number; readonly is: 'stage'; readonly stage: LoadStage; readonly provider: string }
  | {
      readonly id: number;
      readonly is: 'loaded';
      readonly provider: ProviderChoice;
      /** Whether this runner ends a run when it is told to. */
      readonly canTerminate: boolean;
    }
  | {
      readonly id: number;
      readonly is: 'answer';
      readonly headerBytes?: number;
      /** As in InferReply. */
      readonly computeUs: number;
      readonly inputUs?: number | undefined;
      readonly outputUs?: number | undefined;
      readonly degraded?: string;
    }
  | { readonly id: number; readonly is: 'counts' | 'described' | 'probed' }
  | { readonly id: number; readonly is: 'checked'; readonly result: CheckResult }
  | { readonly id: number; readonly is: 'shadowed'; readonly result: ShadowReply }
  | {
      readonly id: number;
      readonly is: 'refused';
      readonly fault: 'client' | 'release';
      readonly code: string;
      readonly message: string;
    };
