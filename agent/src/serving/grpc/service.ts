import type {
  handleUnaryCall,
  MethodDefinition,
  ServerUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Metadata, status } from '@grpc/grpc-js';
import { CodedError } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import { markOf } from '../fallback-policy.ts';
import { limitedTime } from '../limited-time.ts';
import {
  isServerReady,
  labelled,
  modelMetadata,
  repositoryIndex,
  serverMetadata,
  viewOf,
} from '../model-metadata.ts';
import { allStatistics, modelStatistics } from '../model-statistics.ts';
import type { Routed, ServingRouter } from '../router.ts';
import { checkedPriority, deadlineOfTimeout, MAX_DEADLINE_MS } from '../schedule.ts';
import { traceContextOf } from '../trace-context.ts';
import type { TracedInference } from '../tracing/traced-inference.ts';
import type { Tracer } from '../tracing/tracer.ts';
import { codeOfThrown, detailsOf, grpcStatusOf } from './grpc-status.ts';
import { readInferRequest } from './infer-request.ts';
import { writeInferResponse } from './infer-response.ts';
import {
  readModelName,
  readOnlyReady,
  writeFlag,
  writeModelMetadata,
  writeModelStatistics,
  writeRepositoryIndex,
  writeServerMetadata,
} from './messages.ts';

export interface GrpcServiceOptions {
  readonly router: ServingRouter;
  readonly version: string;
  readonly log: Pick<Logger, 'debug' | 'error'>;
  readonly defaultDeadlineMs: number;
  /** Bytes of requests that wait or run at a time; above it they are refused with QUEUE_FULL. */
  readonly maxHeldBytes: number;
  /** Absent: no spans are exported. */
  readonly tracer?: Tracer | undefined;
}

type Call = ServerUnaryCall<Buffer, Buffer>;
type Answer = (call: Call, headers: Metadata) => Promise<Buffer> | Buffer;

/** The methods as bytes: messages are read and written here, so that no tensor becomes an array of numbers. */
export function inferenceService(options: GrpcServiceOptions): {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
} {
  const { router, version, maxHeldBytes, tracer } = options;
  let held = 0;
  const inferHeld = async (
    call: Call,
    headers: Metadata,
    traced: TracedInference | undefined,
  ): Promise<Buffer> => {
    const { length } = call.request;
    if (held + length > maxHeldBytes) throw new CodedError('QUEUE_FULL');
    held += length;
    try {
      return await infer(options, call, headers, traced);
    } finally {
      held -= length;
    }
  };
  const answers: Readonly<Record<string, Answer>> = {
    ServerLive: () => writeFlag(true),
    ServerReady: () => writeFlag(isServerReady(router)),
    ModelReady: ({ request }) => {
      const { name, version } = readModelName(request);
      const view = viewOf(router, name);
      // An empty model is not an error here, it is the answer.
      if (view.active) labelled(view, version);
      return writeFlag(view.isReady);
    },
    ServerMetadata: () => writeServerMetadata(serverMetadata(version)),
    ModelMetadata: ({ request }) => {
      const { name, version } = readModelName(request);
      const view = viewOf(router, name);
      return writeModelMetadata(modelMetadata(view, labelled(view, version)));
    },
    ModelInfer: async (call, headers) => {
      const trace = traceContextOf((header) => call.metadata.get(header)[0]);
      const userAgent = call.metadata.get('user-agent')[0]?.toString();
      const traced = tracer?.begin({ door: 'grpc', trace, userAgent });
      try {
        const message = await inferHeld(call, headers, traced);
        traced?.end('OK');
        return message;
      } catch (err) {
        const code = codeOfThrown(err);
        traced?.end(code === 'ABORTED' ? undefined : status[grpcStatusOf(code)], code);
        throw err;
      }
    },
    ModelStatistics: async ({ request }) => {
      const { name, version } = readModelName(request);
      if (name === '') return writeModelStatistics(await allStatistics(router));
      return writeModelStatistics(await modelStatistics(router, viewOf(router, name), version));
    },
    RepositoryIndex: ({ request }) => writeRepositoryIndex(repositoryIndex(router, readOnlyReady(request))),
  };
  const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const implementation: Record<string, handleUnaryCall<Buffer, Buffer>> = {};
  for (const [name, answer] of Object.entries(answers)) {
    definition[name] = asBytes(`/inference.GRPCInferenceService/${name}`);
    implementation[name] = (call, callback) => {
      const headers = new Metadata();
      const trace = traceContextOf((header) => call.metadata.get(header)[0]);
      for (const [key, value] of Object.entries(trace ?? {})) headers.set(key, value);
      const work = async (): Promise<void> => {
        const message = await answer(call, headers);
        call.sendMetadata(headers);
        callback(null, message);
      };
      work().catch((err: unknown) => {
        const code = codeOfThrown(err);
        const about = { component: 'serving', method: name, code, ...trace };
        if (code === 'SERVING_INTERNAL') options.log.error({ ...about, err }, 'request failed');
        else options.log.debug(about, 'request refused');
        const sentence = err instanceof CodedError ? err.message : new CodedError(code).message;
        callback({ code: grpcStatusOf(code), details: detailsOf(code, sentence), metadata: headers });
      });
    };
  }
  return { definition, implementation };
}

async function infer(
  { router, defaultDeadlineMs }: GrpcServiceOptions,
  call: Call,
  headers: Metadata,
  traced: TracedInference | undefined,
): Promise<Buffer> {
  const { model, version, timeoutUs, priority, call: body } = readInferRequest(call.request);
  const target = { model, ...(version === undefined ? {} : { version }) };
  traced?.asks(target);
  const deadlineMs = deadlineOf(call, timeoutUs, defaultDeadlineMs);
  const asked = { ...body, priority: checkedPriority(priority) };
  const routed: Routed = await limitedTime(
    deadlineMs,
    (giveUp) => {
      if (call.cancelled) giveUp();
      call.once('cancelled', giveUp);
    },
    (signal) => router.answer({ ...target, call: asked, signal }),
  );
  traced?.answered(routed);
  const { reply, runner, fallback } = routed;
  headers.set('ringfleet-release', runner.spec.version);
  headers.set('ringfleet-provider', runner.provider.active);
  if (fallback) headers.set('ringfleet-fallback', markOf(fallback));
  // The runner's codes are the catalogue's: they come from the same package.
  if (!reply.ok) throw new CodedError(reply.code as CodedError['code'], reply.message);
  if (reply.degraded !== undefined) headers.set('ringfleet-degraded', reply.degraded);
  return writeInferResponse(reply.body, reply.headerBytes);
}

/** The call's own deadline, else V2's `timeout` parameter, else the default. Throws DEADLINE_EXCEEDED, DEADLINE_INVALID. */
function deadlineOf(call: Call, timeoutUs: number | undefined, defaultMs: number): number {
  const deadline = Number(call.getDeadline());
  if (Number.isFinite(deadline)) {
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) throw new CodedError('DEADLINE_EXCEEDED');
    return Math.min(Math.ceil(leftMs), MAX_DEADLINE_MS);
  }
  return deadlineOfTimeout(timeoutUs, defaultMs);
}

const same = (bytes: Buffer): Buffer => bytes;

const asBytes = (path: string): MethodDefinition<Buffer, Buffer> => ({
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
