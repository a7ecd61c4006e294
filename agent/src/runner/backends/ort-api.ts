import { CodedError, type ErrorCode } from '@ringfleet/shared/errors';

/** An address in this process; 0n is none. */
export type Pointer = bigint;
/** What a C function takes here: addresses, numbers, strings, and memory of ours. */
export type Argument = Pointer | number | string | ArrayBufferView | null;

type Koffi = typeof import('koffi');

/** Any version from 1.13 on serves this table; the table only ever grew at its end. */
const API_VERSION = 13;
const TABLE_ENTRIES = 217;

/**
 * Functions of the C API that are used: place in the official header's OrtApi struct, and what each takes. `p` is any
 * address, `s` a C string, `i` an int, `z` a size, `l` an int64. All give a status, except the Release functions.
 */
const FUNCTIONS = {
  GetErrorMessage: [2, 'p', 'str'],
  CreateEnv: [3, 'isp'],
  DisableTelemetryEvents: [6, 'p'],
  CreateSession: [7, 'pspp'],
  Run: [9, 'ppppzpzp'],
  CreateSessionOptions: [10, 'p'],
  EnableProfiling: [14, 'ps'],
  DisableMemPattern: [17, 'p'],
  DisableCpuMemArena: [19, 'p'],
  SetSessionLogSeverityLevel: [22, 'pi'],
  SetIntraOpNumThreads: [24, 'pi'],
  SetInterOpNumThreads: [25, 'pi'],
  SessionGetInputCount: [30, 'pp'],
  SessionGetOutputCount: [31, 'pp'],
  SessionGetInputTypeInfo: [33, 'pzp'],
  SessionGetOutputTypeInfo: [34, 'pzp'],
  SessionGetInputName: [36, 'pzpp'],
  SessionGetOutputName: [37, 'pzpp'],
  CreateRunOptions: [39, 'p'],
  RunOptionsSetTerminate: [46, 'p'],
  CreateTensorAsOrtValue: [48, 'ppzip'],
  CreateTensorWithDataAsOrtValue: [49, 'ppzpzip'],
  IsTensor: [50, 'pp'],
  GetTensorMutableData: [51, 'pp'],
  FillStringTensor: [52, 'ppz'],
  GetStringTensorDataLength: [53, 'pp'],
  GetStringTensorContent: [54, 'ppzpz'],
  CastTypeInfoToTensorInfo: [55, 'pp'],
  GetTensorElementType: [60, 'pp'],
  GetDimensionsCount: [61, 'pp'],
  GetDimensions: [62, 'ppz'],
  GetSymbolicDimensions: [63, 'ppz'],
  GetTensorShapeElementCount: [64, 'pp'],
  GetTensorTypeAndShape: [65, 'pp'],
  CreateCpuMemoryInfo: [69, 'iip'],
  AllocatorFree: [76, 'pp'],
  GetAllocatorWithDefaultOptions: [78, 'p'],
  ReleaseStatus: [93, 'p', 'void'],
  ReleaseSession: [95, 'p', 'void'],
  ReleaseValue: [96, 'p', 'void'],
  ReleaseRunOptions: [97, 'p', 'void'],
  ReleaseTypeInfo: [98, 'p', 'void'],
  ReleaseTensorTypeAndShapeInfo: [99, 'p', 'void'],
  ReleaseSessionOptions: [100, 'p', 'void'],
  SessionEndProfiling: [110, 'ppp'],
  GetAvailableProviders: [125, 'pp'],
  ReleaseAvailableProviders: [126, 'pi'],
  AddSessionConfigEntry: [130, 'pss'],
  AppendTensorRtV2: [170, 'pp'],
  CreateTensorRtOptions: [171, 'p'],
  UpdateTensorRtOptions: [172, 'pppz'],
  ReleaseTensorRtOptions: [174, 'p', 'void'],
  AppendCudaV2: [204, 'pp'],
  CreateCudaOptions: [205, 'p'],
  UpdateCudaOptions: [206, 'pppz'],
  ReleaseCudaOptions: [208, 'p', 'void'],
  AppendProvider: [216, 'psppz'],
} as const satisfies Record<string, readonly [number, string, ('str' | 'void')?]>;

export type OrtFunction = keyof typeof FUNCTIONS;
const TYPES: Readonly<Record<string, string>> = { p: 'void*', s: 'str', i: 'int', z: 'size_t', l: 'int64_t' };

/** The C API of one libonnxruntime. A wrong argument ends the process, so nothing outside the runner may hold one. */
export interface OrtApi {
  readonly version: string;
  /** Calls a function; a status that is an error is thrown with `code`. */
  call(name: OrtFunction, ...args: Argument[]): void;
  /** The same on a thread of its own: this loop stays free. Every argument must be kept alive until it is done. */
  callAsync(name: OrtFunction, ...args: Argument[]): Promise<void>;
  /** Calls a function whose last argument receives an address. */
  make(name: OrtFunction, ...args: Argument[]): Pointer;
  release(name: OrtFunction, pointer: Pointer): void;
  textAt(pointer: Pointer): string;
  /** Memory of the library; valid as long as its owner is. */
  bytesAt(pointer: Pointer, length: number): Uint8Array;
  addressOf(memory: ArrayBufferView): Pointer;
}

/** A failure that the library itself reported. */
export class OrtFailure extends Error {
  override readonly name = 'OrtFailure';
  as(code: ErrorCode): CodedError {
    return new CodedError(code, this.message.slice(0, 500), { cause: this });
  }
}

/** Throws RUNTIME_LIBRARY_UNUSABLE. */
export async function loadOrtApi(library: string): Promise<OrtApi> {
  try {
    const koffi = (await import('koffi')).default as unknown as Koffi;
    return bind(koffi, library);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError('RUNTIME_LIBRARY_UNUSABLE', `${library}: ${why.slice(0, 400)}`, { cause });
  }
}

function bind(koffi: Koffi, library: string): OrtApi {
  const base = new BigUint64Array(koffi.view(koffi.load(library).func('void* OrtGetApiBase()')(), 16));
  const getApi = koffi.decode(base[0], koffi.proto('void*', ['uint32_t'])) as (
    version: number,
  ) => Pointer | null;
  const getVersion = koffi.decode(base[1], koffi.proto('str', [])) as () => string;
  const api = getApi(API_VERSION);
  if (!api)
    throw new Error(`version ${getVersion()} is older than the oldest that is supported, 1.${API_VERSION}`);
  const table = new BigUint64Array(koffi.view(api, 8 * TABLE_ENTRIES));
  const bound = new Map<OrtFunction, ReturnType<Koffi['decode']>>();
  for (const [name, [place, takes, gives]] of Object.entries(FUNCTIONS) as [
    OrtFunction,
    readonly [number, string, ('str' | 'void')?],
  ][]) {
    const parameters = [...takes].map((letter) => TYPES[letter] as string);
    bound.set(name, koffi.decode(table[place], koffi.proto(gives ?? 'void*', parameters)));
  }
  const check = (status: Pointer | null): void => {
    if (!status) return;
    const message = String(bound.get('GetErrorMessage')(status));
    bound.get('ReleaseStatus')(status);
    throw new OrtFailure(message);
  };
  const call: OrtApi['call'] = (name, ...args) => check(bound.get(name)(...args) as Pointer | null);
  return {
    version: getVersion(),
    call,
    callAsync: (name, ...args) =>
      new Promise((resolve, reject) => {
        bound.get(name).async(...args, (err: unknown, status: Pointer | null) => {
          try {
            if (err) throw err;
            check(status);
            resolve();
          } catch (failure) {
            reject(failure as Error);
          }
        });
      }),
    make: (name, ...args) => {
      const out = new BigUint64Array(1);
      call(name, ...args, out);
      return out[0] ?? 0n;
    },
    release: (name, pointer) => {
      if (pointer !== 0n) bound.get(name)(pointer);
    },
    textAt: (pointer) => String(koffi.decode.string(pointer)),
    bytesAt: (pointer, length) =>
      length === 0 ? new Uint8Array(0) : new Uint8Array(koffi.view(pointer, length)),
    addressOf: (memory) => koffi.address(memory),
  };
}
