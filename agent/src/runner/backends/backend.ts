import type { Tensor } from '@ringfleet/shared/v2';
import type { RunSettings } from '../../core/run-profile.ts';

/** Which library runs models, and where it is. Comes from `runtime` of agent.yaml. */
export interface BackendChoice {
  readonly backend: 'ort-node' | 'ort-capi';
  /** Path of a libonnxruntime.so; only `ort-capi` has a choice. */
  readonly library?: string;
  /** Folder for engines that a provider compiles (TensorRT, OpenVINO). */
  readonly cacheDir?: string;
}

export interface OpenOptions {
  /** Name of the registry: `cpu`, `cuda` … */
  readonly provider: string;
  /** The library's own options of the provider; `ort-node` cannot pass them on. */
  readonly providerOptions?: Readonly<Record<string, string>>;
  /**
   * Refuse a model of which any node would run on the CPU instead. Without it the library places nodes as it likes, and
   * says nothing: an unknown provider then gives a session on the CPU.
   */
  readonly isStrict: boolean;
  readonly settings: RunSettings;
  /** Count where nodes run, until `nodeCounts` is asked for. */
  readonly isProfiled?: boolean;
}

/** Inputs or outputs as the model says them; an axis that is no number is free. */
export interface ValueInfo {
  readonly name: string;
  /** Element type by ONNX Runtime's name (`float32`); undefined for what is no tensor. */
  readonly type?: string;
  readonly shape: readonly (number | string)[];
}

export interface BackendSession {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /**
   * Runs the model once and gives the outputs in the order asked for. A run that was ended fails with
   * EXECUTION_LIMIT_EXCEEDED, every other one with INFER_FAILED.
   */
  run(inputs: readonly Tensor[], outputs: readonly string[]): Promise<Tensor[]>;
  /** Ends what runs now, where the back end can. */
  terminate(): void;
  /** Nodes that ran per provider since the session was opened `isProfiled`; ends the profile. Undefined when not known. */
  nodeCounts(): Promise<Readonly<Record<string, number>> | undefined>;
  close(): Promise<void>;
}

/** One way to ONNX Runtime. Lives only in the runner: a wrong call ends the process. */
export interface Backend {
  readonly name: BackendChoice['backend'];
  /** Version of the library itself. */
  readonly version: string;
  /** Whether `terminate` ends a run; otherwise only ending the process does. */
  readonly canTerminate: boolean;
  /** Registry names of what the library was built with. Says nothing of whether it works. */
  compiledIn(): readonly string[];
  /** Opens a model file by path. Throws MODEL_LOAD_FAILED, PROVIDER_NOT_AVAILABLE for a name it does not know. */
  open(path: string, options: OpenOptions): Promise<BackendSession>;
}
