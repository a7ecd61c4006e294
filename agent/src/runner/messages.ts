import type { Manifest, TensorSpec } from '@ringfleet/shared/release';
import type { CheckResult, RunnerSpec } from '../ports/runtime.ts';

/** Agent to runner. `load`, `acceptance` and `describe` carry JSON in the body, `infer` the request as it came from the wire. */
export type RunnerRequest =
  | { readonly id: number; readonly op: 'load' | 'counts' | 'conformance' | 'acceptance' | 'describe' }
  | {
      readonly id: number;
      readonly op: 'infer';
      readonly headerBytes?: number;
      /** Say `started` before the run, so that decoding a large body is not timed as execution. */
      readonly announce?: boolean;
    };

export type LoadBody = RunnerSpec;
export interface AcceptanceBody {
  readonly slotDir: string;
  readonly manifest: Manifest;
}

/** Asks for the signature of a model file that has no manifest. */
export interface DescribeBody {
  readonly path: string;
}
export interface ModelSignature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

export interface ProviderChoice {
  readonly asked: readonly string[];
  readonly active: string;
  readonly reason: string;
}

/** Runner to agent. `started` restarts the clock of the execution limit: a run begins now. */
export type RunnerReply =
  | { readonly id: number; readonly is: 'started' }
  | { readonly id: number; readonly is: 'loaded'; readonly provider: ProviderChoice }
  | { readonly id: number; readonly is: 'answer'; readonly headerBytes?: number; readonly computeUs: number }
  | { readonly id: number; readonly is: 'counts' | 'described' }
  | { readonly id: number; readonly is: 'checked'; readonly result: CheckResult }
  | {
      readonly id: number;
      readonly is: 'refused';
      readonly fault: 'client' | 'release';
      readonly code: string;
      readonly message: string;
    };
