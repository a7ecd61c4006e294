import type { CatalogPart } from './error-class.ts';

/** Codec, runner, router and V2 server. `class` RELEASE is what a soak may hold against a release. */
export const SERVING_ERRORS = {
  SERVING_INTERNAL: {
    class: 'INFRA',
    sentence: 'Something failed that should not have.',
    remedy: 'Report it with the log lines around it.',
  },
  ABORTED: {
    class: 'INFRA',
    sentence: 'The work was given up before it was done.',
    remedy: 'Nothing to do: whoever asked for it no longer waits.',
  },
  REQUEST_INVALID: {
    class: 'INPUT',
    sentence: 'The body is not a request of the Open Inference Protocol.',
    remedy: 'Compare it with the model metadata at GET /v2/models/<model>.',
  },
  RESPONSE_INVALID: {
    class: 'INFRA',
    sentence: 'The body is not a response of the Open Inference Protocol.',
    remedy: 'Check that the address is the one of an inference server.',
  },
  SAMPLE_INVALID: {
    class: 'RELEASE',
    sentence: 'A conformance or acceptance sample of the release cannot be read.',
    remedy: 'Build the release again with `ringfleet release build`.',
  },
  REQUEST_TOO_LARGE: {
    class: 'INPUT',
    sentence: 'The request is larger than this server takes.',
    remedy: 'Send a smaller batch, or binary tensors instead of JSON numbers.',
  },
  TENSOR_NOT_FINITE: {
    class: 'INPUT',
    sentence: 'A tensor holds NaN or infinity, which JSON cannot carry.',
    remedy: 'Use the binary tensor extension.',
  },
  INPUT_MISSING: {
    class: 'INPUT',
    sentence: 'An input of the model is not in the request.',
    remedy: 'Send every input that GET /v2/models/<model> lists.',
  },
  INPUT_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The request names an input that the model does not have.',
    remedy: 'Send only the inputs that GET /v2/models/<model> lists.',
  },
  OUTPUT_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The request asks for an output that the model does not have.',
    remedy: 'Ask only for the outputs that GET /v2/models/<model> lists.',
  },
  DATATYPE_MISMATCH: {
    class: 'INPUT',
    sentence: 'An input has another datatype than the model takes.',
    remedy: 'Convert it to the datatype that GET /v2/models/<model> lists.',
  },
  SHAPE_MISMATCH: {
    class: 'INPUT',
    sentence: 'An input has another shape than the model takes.',
    remedy: 'Send the shape that GET /v2/models/<model> lists; -1 stands for a bounded free axis.',
  },
  NON_FINITE_INPUT: {
    class: 'INPUT',
    sentence: 'An input holds NaN or infinity.',
    remedy: 'Check the sensor and the pre-processing in front of the model.',
  },
  FEATURE_MISSING: {
    class: 'INPUT',
    sentence: 'A value is missing that the release asks for, or too many of the last were.',
    remedy:
      'Check the sensor; the message names the feature. `expect.missing` of the release says what it bears.',
  },
  FEATURE_OUT_OF_RANGE: {
    class: 'INPUT',
    sentence: 'A value lies outside the range that the release allows for its feature.',
    remedy: 'Check sensor and unit; the message names the feature and the limit.',
  },
  FEATURE_UNKNOWN_CATEGORY: {
    class: 'INPUT',
    sentence: 'A value is none of those that the release allows for its feature.',
    remedy: 'Check the encoding of the category; the message names the feature.',
  },
  FEATURE_WRONG_TYPE: {
    class: 'INPUT',
    sentence: 'A value is not of the type that the release asks of its feature.',
    remedy: 'Check the encoding; the message names the feature and the type.',
  },
  INPUT_UNANSWERABLE: {
    class: 'INPUT',
    sentence:
      'The model gave no usable answer to an input that its own schema does not allow, or that lacks values.',
    remedy:
      'Check the sensor: the release is not held to answer this. `expect.onViolation: reject` refuses such input.',
  },
  DEADLINE_INVALID: {
    class: 'INPUT',
    sentence: 'The deadline of the request is not a positive number of milliseconds.',
    remedy: 'Send ringfleet-deadline-ms as an integer from 1 to 3600000.',
  },
  PRIORITY_INVALID: {
    class: 'INPUT',
    sentence: 'The priority of the request is not a level.',
    remedy:
      'Send ringfleet-priority, or the parameter priority, as an integer from 1 (most urgent) to 5; 0 is the default.',
  },
  ROUTE_UNKNOWN: {
    class: 'INPUT',
    sentence: 'This server has no such path.',
    remedy: 'Use the paths of the Open Inference Protocol V2 under /v2.',
  },
  METHOD_NOT_ALLOWED: {
    class: 'INPUT',
    sentence: 'This path is not for the method of the request.',
    remedy: 'Use a method that the answer names in Allow.',
  },
  HOST_NOT_ALLOWED: {
    class: 'INPUT',
    sentence: 'The request names a host or origin that is not this machine.',
    remedy: 'Use http://127.0.0.1 or http://localhost, and no web page of another site.',
  },
  TRACES_NOT_TAKEN: {
    class: 'SITE',
    sentence: 'The collector of traces did not take spans.',
    remedy:
      'Check tracing.endpoint (or OTEL_EXPORTER_OTLP_ENDPOINT) and the collector there; inference goes on without it.',
  },
  MODEL_UNKNOWN: {
    class: 'INPUT',
    sentence: 'No model of this name, or no such version of it, is assigned to this device.',
    remedy: 'List the models with POST /v2/repository/index.',
  },
  MODEL_EMPTY: {
    class: 'DEVICE',
    sentence: 'The model is assigned, but no release of it is active yet.',
    remedy: 'Try again after the seconds in Retry-After; `ringfleet-agent status` tells how far it is.',
  },
  QUEUE_FULL: {
    class: 'DEVICE',
    sentence: 'More requests wait for the model than its queue holds.',
    remedy: 'Send fewer at a time and try again after the seconds in Retry-After.',
  },
  DEADLINE_EXCEEDED: {
    class: 'DEVICE',
    sentence: "The request's time was over before the model answered.",
    remedy: 'Allow more time with ringfleet-deadline-ms, or send fewer requests at a time.',
  },
  SERVING_LISTEN_FAILED: {
    class: 'DEVICE',
    sentence: 'The inference server cannot listen at its address.',
    remedy: 'Check the address and the rights of the folder that holds the socket.',
  },
  RUNTIME_LIBRARY_UNUSABLE: {
    class: 'DEVICE',
    sentence: 'The ONNX Runtime library cannot be loaded.',
    remedy: 'Check runtime.library in agent.yaml; `ringfleet-agent providers` says what works here.',
  },
  PROVIDER_DOWNGRADED: {
    class: 'DEVICE',
    sentence: 'A release does not run, or not wholly, on the provider that it asks for first.',
    remedy: 'Run `ringfleet-agent providers` on the device; it says what is missing.',
  },
  PROVIDER_NOT_AVAILABLE: {
    class: 'DEVICE',
    sentence: 'No execution provider that the variant asks for works on this device.',
    remedy: 'Add a variant for a provider this device has, or install the provider.',
  },
  RUNNER_START_FAILED: {
    class: 'SITE',
    sentence: 'The runner process could not be started.',
    remedy: 'Check free memory and the installation of the agent; the message tells the cause.',
  },
  RUNNER_FRAME_INVALID: {
    class: 'INFRA',
    sentence: 'Agent and runner do not understand each other.',
    remedy: 'Install agent and runner of the same version.',
  },
  MODEL_LOAD_FAILED: {
    class: 'RELEASE',
    sentence: 'ONNX Runtime cannot load the model.',
    remedy:
      'Try the file with `ringfleet-agent serve FILE`; check its export and the ONNX Runtime version it needs.',
  },
  MODEL_SIGNATURE_MISMATCH: {
    class: 'RELEASE',
    sentence: 'Inputs or outputs of the model are not those of its manifest.',
    remedy: 'Build the release again with `ringfleet release build`.',
  },
  LOAD_LIMIT_EXCEEDED: {
    class: 'RELEASE',
    sentence: "Loading took longer than the manifest's limit.",
    remedy: 'Raise limits.loadMs of the release, or use a smaller model.',
  },
  INFER_FAILED: {
    class: 'RELEASE',
    sentence: 'The model failed on a valid input.',
    remedy: 'Run this input through the model on a development machine.',
  },
  NON_FINITE_OUTPUT: {
    class: 'RELEASE',
    sentence: 'The model answered NaN or infinity to a valid input.',
    remedy: 'Run this input through the model on a development machine.',
  },
  EXECUTION_LIMIT_EXCEEDED: {
    class: 'RELEASE',
    sentence: "A run took longer than the manifest's execution limit, so it was ended.",
    remedy: 'Find the input that makes the model slow, or raise limits.inferMs of the release.',
  },
  MEMORY_LIMIT_EXCEEDED: {
    class: 'RELEASE',
    sentence: "The release's process used more memory than its manifest allows, so it was ended.",
    remedy: 'Find what makes it grow, or raise limits.memoryBytes of the release.',
  },
  RUNNER_CRASHED: {
    class: 'RELEASE',
    sentence: 'The runner process of the release ended by itself.',
    remedy: "Look at the runner's last words in the log; out of memory shows as signal SIGKILL.",
  },
  RUNNER_STOPPED: {
    class: 'INFRA',
    sentence: 'The runner was stopped because its release is not needed any more.',
    remedy: 'Nothing to do.',
  },
  RUNNER_GONE: {
    class: 'RELEASE',
    sentence: 'The process that ran the model is gone.',
    remedy: 'Try again: the agent starts a new one or goes back to the previous release.',
  },
  MODEL_PATH_UNUSABLE: {
    class: 'INPUT',
    sentence: 'The path holds nothing that can be served.',
    remedy: 'Name an .onnx file, or the folder that `ringfleet release build` wrote.',
  },
  SCORE_INPUT_INVALID: {
    class: 'INPUT',
    sentence: 'The file cannot be scored.',
    remedy: 'Give a .csv, .jsonl or .npy file that fits the inputs of the model, and an output in .jsonl.',
  },
  CONFORMANCE_FAILED: {
    class: 'DEVICE',
    sentence: 'This device does not give the outputs that the release gave when it was built.',
    remedy: 'Check provider and processor; widen the tolerances only if the difference is harmless.',
  },
  ACCEPTANCE_FAILED: {
    class: 'RELEASE',
    sentence: 'The release answers fewer labelled samples right than the set asks for.',
    remedy: 'Train or quantize it again; compare its answers with those of the active release.',
  },
  SAMPLES_NOT_COMPARABLE: {
    class: 'RELEASE',
    sentence: 'The labelled samples do not fit the inputs or labels of the release.',
    remedy: 'Give the release an acceptance set of its own.',
  },
} as const satisfies CatalogPart;
