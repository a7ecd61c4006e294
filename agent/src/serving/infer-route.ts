import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';
import type { InferCall } from '../ports/runtime.ts';
import { markOf } from './fallback-policy.ts';
import { httpErrorFrom, httpErrorOf, sendError } from './http-error.ts';
import { limitedTime } from './limited-time.ts';
import type { Intake } from './read-body.ts';
import type { Routed, ServingRouter } from './router.ts';
import { scheduleOf } from './schedule.ts';
import { traceContextOf } from './trace-context.ts';
import type { TracedInference } from './tracing/traced-inference.ts';
import type { Tracer } from './tracing/tracer.ts';

export interface InferRouteOptions {
  readonly router: ServingRouter;
  readonly intake: Intake;
  readonly defaultDeadlineMs: number;
  /** Absent: no spans are exported. */
  readonly tracer?: Tracer | undefined;
}

interface Target {
  readonly model: string;
  readonly version?: string;
}

const ONE_PIECE_BYTES = 8 * 1024;

/** `POST /v2/models/{model}[/versions/{version}]/infer`: bytes in, bytes out; tensors are the runner's business. */
export async function handleInfer(
  options: InferRouteOptions,
  target: Target,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const traced = options.tracer?.begin({
    door: 'http',
    trace: traceContextOf((name) => req.headers[name]),
    userAgent: req.headers['user-agent'],
  });
  traced?.asks(target);
  try {
    const routed = await infer(options, target, req, res);
    traced?.answered(routed);
    send(res, routed);
    if (traced) endOf(traced, res, routed);
  } catch (err) {
    const { code, status } = httpErrorFrom(err);
    traced?.end(code === 'ABORTED' ? undefined : status, code);
    throw err;
  }
}

async function infer(
  { router, intake, defaultDeadlineMs }: InferRouteOptions,
  target: Target,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<Routed> {
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new CodedError('REQUEST_INVALID', `a body in ${encoding} is not accepted; send it plain`);
  }
  const body = await intake.read(req);
  const call = callOf(req, body);
  const { deadlineMs, priority } = scheduleOf(req.headers, call, defaultDeadlineMs);
  let onClose = (): void => undefined;
  try {
    return await limitedTime(
      deadlineMs,
      (giveUp) => {
        onClose = giveUp;
        res.once('close', onClose);
      },
      (signal) => router.answer({ ...target, call: { ...call, priority }, signal }),
    );
  } finally {
    res.off('close', onClose);
  }
}

function callOf(req: IncomingMessage, body: Buffer): InferCall {
  const header = req.headers['inference-header-content-length'];
  if (header === undefined) return { body };
  const headerBytes = Number(header);
  // 0 announces a raw body: the bytes of the only input.
  const isPossible = headerBytes === 0 || (headerBytes >= 2 && headerBytes <= body.length);
  if (!Number.isInteger(headerBytes) || !isPossible) {
    throw new CodedError('REQUEST_INVALID', 'Inference-Header-Content-Length does not fit the body');
  }
  return { body, headerBytes };
}

function endOf(traced: TracedInference, res: ServerResponse, { reply }: Routed): void {
  if (res.destroyed && !res.writableEnded) traced.end(undefined, 'ABORTED');
  else if (reply.ok) traced.end(200);
  else traced.end(httpErrorOf(reply.code).status, reply.code);
}

function send(res: ServerResponse, { reply, runner, fallback }: Routed): void {
  if (res.destroyed) return;
  if (!reply.ok) {
    sendError(res, httpErrorOf(reply.code, reply.message));
    return;
  }
  const { body, headerBytes, degraded } = reply;
  const headers = [
    'content-type',
    headerBytes === undefined ? 'application/json' : 'application/octet-stream',
    'content-length',
    String(body.length),
    'ringfleet-release',
    runner.spec.version,
    'ringfleet-provider',
    runner.provider.active,
  ];
  if (headerBytes !== undefined) headers.push('inference-header-content-length', String(headerBytes));
  if (degraded !== undefined) headers.push('ringfleet-degraded', degraded);
  if (fallback) headers.push('ringfleet-fallback', markOf(fallback));
  res.writeHead(200, headers);
  // A short body goes out in one piece with the head, which Node does for text only: latin1 is bytes as they are.
  if (body.length > ONE_PIECE_BYTES) res.end(body);
  else res.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1');
}
