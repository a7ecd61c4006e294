/** What is known of the board for saying how to install something on it. */
export interface Board {
  readonly kind: 'jetson' | 'raspberryPi' | 'debian' | 'ubuntu' | 'other';
  readonly name: string;
  readonly arch: string;
}

/** How a provider gets onto a board. `line` is a command to type; absent where no such line is known to us. */
export interface Advice {
  readonly line?: string;
  readonly note: string;
}

const OWN_LIBRARY = 'then set runtime.backend: ort-capi and runtime.library in agent.yaml';

/**
 * The line that installs a provider on this board. Only where such a line exists: a guess would cost a technician a
 * day. docs/providers.md says which of them were ever executed.
 */
export function adviceFor(provider: string, board: Board): Advice {
  switch (provider) {
    case 'cpu':
      return { note: 'comes with the agent; install the agent again, for this architecture' };
    case 'cuda':
    case 'tensorrt':
      return nvidia(provider, board);
    case 'openvino':
      if (board.arch !== 'x64')
        return {
          note: `no prebuilt library for ${board.arch} is known; build ONNX Runtime with --use_openvino, ${OWN_LIBRARY}`,
        };
      return {
        line: 'python3 -m venv /opt/ort-openvino && /opt/ort-openvino/bin/pip install onnxruntime-openvino',
        note: `the library lies in onnxruntime/capi of that environment; ${OWN_LIBRARY}`,
      };
    case 'webgpu':
      if (board.arch !== 'x64')
        return {
          note: `no prebuilt library for ${board.arch} has it; build ONNX Runtime with --use_webgpu, ${OWN_LIBRARY}`,
        };
      if (!isDebianLike(board))
        return { note: 'needs a Vulkan driver for the graphics processor; no line known for this system' };
      return {
        line: 'sudo apt-get install libvulkan1 mesa-vulkan-drivers',
        note: 'for Intel and AMD graphics; NVIDIA brings Vulkan with its driver. The agent needs access to /dev/dri',
      };
    default:
      return { note: 'this agent knows no such provider' };
  }
}

function nvidia(provider: string, board: Board): Advice {
  if (board.kind === 'jetson') {
    return {
      line: 'sudo apt-get install nvidia-jetpack',
      note: `installs CUDA and TensorRT. ONNX Runtime itself has no Debian package there: build it with --use_cuda --use_tensorrt, ${OWN_LIBRARY}`,
    };
  }
  if (board.kind === 'raspberryPi') return { note: 'this board has no NVIDIA processor' };
  if (board.arch !== 'x64') {
    return {
      note: `no prebuilt library for ${board.arch} is known; build ONNX Runtime with --use_cuda, ${OWN_LIBRARY}`,
    };
  }
  const more = provider === 'tensorrt' ? ', and TensorRT 10 (libnvinfer10)' : '';
  return {
    line: 'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --foreground-scripts --ignore-scripts=false',
    note: `in the agent's folder; fetches the providers of onnxruntime-node. Also needed: NVIDIA's driver, CUDA 12 and cuDNN 9${more}, from NVIDIA's package source`,
  };
}

const isDebianLike = ({ kind }: Board): boolean => kind !== 'other';
