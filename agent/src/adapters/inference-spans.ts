import {
  type Attributes,
  type Context,
  createTraceState,
  type HrTime,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_RPC_METHOD,
  ATTR_RPC_STATUS_CODE,
  ATTR_RPC_SYSTEM_NAME,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
  ATTR_USER_AGENT_ORIGINAL,
} from '@opentelemetry/semantic-conventions';
import type { InferenceRecord } from '../ports/span-exporter.ts';

const GRPC_METHOD = 'inference.GRPCInferenceService/ModelInfer';
/** The statuses by which a gRPC server is at fault, as the conventions have it. */
const GRPC_FAULTS: ReadonlySet<unknown> = new Set([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

/**
 * Ends the spans of one inference: the server's, and under it `queue`, `runner` (the way there and back too), and within
 * that `compute` and `encode`.
 */
export function writeSpans(tracer: Tracer, record: InferenceRecord): void {
  const at = (us: number): HrTime => hrTime(record.startMs + us / 1000);
  const { name, attributes, isFault } = record.door === 'http' ? httpOf(record) : grpcOf(record);
  const server = tracer.startSpan(
    name,
    {
      kind: SpanKind.SERVER,
      startTime: at(0),
      attributes: {
        ...attributes,
        ...ofInference(record),
        ...(isFault ? { [ATTR_ERROR_TYPE]: record.code } : {}),
      },
    },
    parentOf(record),
  );
  if (isFault) server.setStatus({ code: SpanStatusCode.ERROR });
  const child = (name: string, parent: Context, fromUs: number, us: number): Context => {
    const span = tracer.startSpan(name, { startTime: at(fromUs) }, parent);
    span.end(at(fromUs + us));
    return trace.setSpan(parent, span);
  };
  const { answer, answeredUs } = record;
  if (answer?.runnerUs !== undefined && answeredUs !== undefined) {
    const { queueUs = 0, runnerUs, inputUs = 0, computeUs = 0, outputUs = 0 } = answer;
    const inServer = trace.setSpan(ROOT_CONTEXT, server);
    const runnerFromUs = Math.max(0, answeredUs - runnerUs);
    child('queue', inServer, Math.max(0, runnerFromUs - queueUs), queueUs);
    const inRunner = child('runner', inServer, runnerFromUs, runnerUs);
    // The way there is taken to be as long as the way back.
    const hopUs = Math.max(0, runnerUs - inputUs - computeUs - outputUs) / 2;
    const computeFromUs = runnerFromUs + hopUs + inputUs;
    child('compute', inRunner, computeFromUs, computeUs);
    child('encode', inRunner, computeFromUs + computeUs, outputUs);
  }
  server.end(at(record.endUs));
}

interface ServerSpan {
  readonly name: string;
  readonly attributes: Attributes;
  readonly isFault: boolean;
}

function httpOf({ model = '', version, status, userAgent }: InferenceRecord): ServerSpan {
  const path = (model: string, version: string): string => `/v2/models/${model}${version}/infer`;
  const route = path('{model}', version === undefined ? '' : '/versions/{version}');
  return {
    name: `POST ${route}`,
    attributes: {
      [ATTR_HTTP_REQUEST_METHOD]: 'POST',
      [ATTR_HTTP_ROUTE]: route,
      [ATTR_URL_SCHEME]: 'http',
      [ATTR_URL_PATH]: path(model, version === undefined ? '' : `/versions/${version}`),
      [ATTR_HTTP_RESPONSE_STATUS_CODE]: status,
      [ATTR_USER_AGENT_ORIGINAL]: userAgent,
    },
    isFault: typeof status === 'number' && status >= 500,
  };
}

const grpcOf = ({ status, userAgent }: InferenceRecord): ServerSpan => ({
  name: GRPC_METHOD,
  attributes: {
    [ATTR_RPC_SYSTEM_NAME]: 'grpc',
    [ATTR_RPC_METHOD]: GRPC_METHOD,
    [ATTR_RPC_STATUS_CODE]: status,
    [ATTR_USER_AGENT_ORIGINAL]: userAgent,
  },
  isFault: GRPC_FAULTS.has(status),
});

const ofInference = ({ model, version, answer, outcome, code }: InferenceRecord): Attributes => ({
  'ringfleet.model': model,
  'ringfleet.version': version,
  'ringfleet.release': answer?.release,
  'ringfleet.provider': answer?.provider,
  'ringfleet.fallback': answer?.fallback,
  'ringfleet.outcome': outcome,
  'ringfleet.code': code,
});

/** Well formed, or it would not be here. */
function parentOf({ traceparent, tracestate }: InferenceRecord): Context {
  const [, traceId, spanId] = traceparent?.split('-') ?? [];
  if (!traceId || !spanId) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: 1,
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  });
}

/** As a pair: the library takes plain numbers for times since the process started when the clock was wrong then. */
function hrTime(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1000);
  return [seconds, Math.min(999_999_999, Math.round((epochMs - seconds * 1000) * 1e6))];
}
