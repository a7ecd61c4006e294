/** One execution provider: its names, and how to tell from files alone that it is not there. */
export interface Provider {
  readonly name: string;
  /** The name in ONNX Runtime's C++ code, as profiles and the list of compiled-in providers have it. */
  readonly libraryName: string;
  /** The name that `SessionOptionsAppendExecutionProvider` takes. */
  readonly appendName: string;
  /** A shared library beside libonnxruntime that the provider lives in; absent for one that is built in. */
  readonly file?: string;
  /** It compiles a model when it opens or first runs it, which may take minutes. */
  readonly isCompiled?: boolean;
}

/** Every provider that this agent knows. A name that is not here is refused: ONNX Runtime would silently take the CPU. */
export const PROVIDERS: readonly Provider[] = [
  { name: 'cpu', libraryName: 'CPUExecutionProvider', appendName: 'CPU' },
  {
    name: 'cuda',
    libraryName: 'CUDAExecutionProvider',
    appendName: 'CUDA',
    file: 'libonnxruntime_providers_cuda.so',
  },
  {
    name: 'tensorrt',
    libraryName: 'TensorrtExecutionProvider',
    appendName: 'TensorRT',
    file: 'libonnxruntime_providers_tensorrt.so',
    isCompiled: true,
  },
  {
    name: 'openvino',
    libraryName: 'OpenVINOExecutionProvider',
    appendName: 'OpenVINO',
    file: 'libonnxruntime_providers_openvino.so',
    isCompiled: true,
  },
  { name: 'webgpu', libraryName: 'WebGpuExecutionProvider', appendName: 'WebGPU' },
];

export const providerNamed = (name: string): Provider | undefined =>
  PROVIDERS.find((provider) => provider.name === name);

/** The registry's name for a provider of the library; its own where the registry has none. */
export const nameOfLibraryProvider = (libraryName: string): string =>
  PROVIDERS.find((provider) => provider.libraryName === libraryName)?.name ?? libraryName;
