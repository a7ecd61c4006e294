import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';
import { expectMethod } from './allowed-method.ts';
import { sendJson } from './http-error.ts';
import { handleInfer, type InferRouteOptions } from './infer-route.ts';
import {
  isServerReady,
  labelled,
  modelMetadata,
  repositoryIndex,
  serverMetadata,
  viewOf,
} from './model-metadata.ts';
import { allStatistics, modelStatistics } from './model-statistics.ts';
import { readBrief } from './read-body.ts';

export interface V2Options extends InferRouteOptions {
  readonly version: string;
}

const MODEL_PATH = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(ready|infer|stats))?$/;

/** The Open Inference Protocol's REST paths. Throws CodedError for what becomes an error body. */
export async function handleV2(options: V2Options, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const [path = ''] = (req.url ?? '').split('?', 1);
  const model = MODEL_PATH.exec(path);
  // Triton's path for the statistics of all models; a model of this name is asked for by its version.
  if (model && path !== '/v2/models/stats') return handleModel(options, model, req, res);
  const allowed = (method: 'GET' | 'POST'): void => expectMethod(req.method, method);
  switch (path.length > 1 ? path.replace(/\/$/, '') : path) {
    case '/v2':
      allowed('GET');
      return sendJson(res, 200, serverMetadata(options.version));
    case '/v2/health/live':
      allowed('GET');
      return sendJson(res, 200, { live: true });
    case '/v2/health/ready': {
      allowed('GET');
      const isReady = isServerReady(options.router);
      return sendJson(res, isReady ? 200 : 503, { ready: isReady });
    }
    case '/v2/repository/index':
      allowed('POST');
      return sendJson(res, 200, repositoryIndex(options.router, await asksOnlyReady(req)));
    case '/v2/models/stats':
      allowed('GET');
      return sendJson(res, 200, { model_stats: await allStatistics(options.router) });
    default:
      throw new CodedError('ROUTE_UNKNOWN', `${path.slice(0, 200)} is not a path of this server`);
  }
}

async function handleModel(
  options: V2Options,
  match: RegExpExecArray,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const [, model = '', version, action] = match;
  expectMethod(req.method, action === 'infer' ? 'POST' : 'GET');
  if (action === 'infer') {
    return handleInfer(options, { model, ...(version === undefined ? {} : { version }) }, req, res);
  }
  const view = viewOf(options.router, model);
  if (action === 'stats') {
    return sendJson(res, 200, { model_stats: await modelStatistics(options.router, view, version) });
  }
  const runner = labelled(view, version);
  if (action === 'ready') {
    if (!view.isReady) throw new CodedError('RUNNER_GONE');
    return sendJson(res, 200, { name: model, version: runner.spec.version, ready: true });
  }
  return sendJson(res, 200, modelMetadata(view, runner));
}

/** `{"ready": true}` of Triton's index request; a body is optional. */
async function asksOnlyReady(req: IncomingMessage): Promise<boolean> {
  const body = await readBrief(req, 4_096);
  if (body.length === 0) return false;
  try {
    return (JSON.parse(body.toString('utf8')) as { ready?: unknown } | null)?.ready === true;
  } catch (cause) {
    throw new CodedError('REQUEST_INVALID', 'the body is not JSON', { cause });
  }
}
