import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';
import type { Runner } from '../ports/runtime.ts';
import { sendJson } from './http-error.ts';
import { handleInfer, type InferRouteOptions } from './infer-route.ts';
import { modelMetadata, modelStatistics, repositoryIndex, serverMetadata } from './model-metadata.ts';
import type { RouteView } from './router.ts';

export interface V2Options extends InferRouteOptions {
  readonly version: string;
}

const MODEL_PATH = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(ready|infer|stats))?$/;

/** The Open Inference Protocol's REST paths. Throws CodedError for what becomes an error body. */
export async function handleV2(options: V2Options, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const [path = ''] = (req.url ?? '').split('?', 1);
  const method = req.method === 'HEAD' ? 'GET' : (req.method ?? '');
  const model = MODEL_PATH.exec(path);
  if (model) return handleModel(options, method, model, req, res);
  switch (`${method} ${path.length > 1 ? path.replace(/\/$/, '') : path}`) {
    case 'GET /v2':
      return sendJson(res, 200, serverMetadata(options.version));
    case 'GET /v2/health/live':
      return sendJson(res, 200, { live: true });
    case 'GET /v2/health/ready': {
      const isReady = options.router.models().every((name) => options.router.view(name)?.isReady);
      return sendJson(res, isReady ? 200 : 503, { ready: isReady });
    }
    case 'POST /v2/repository/index':
      return sendJson(res, 200, repositoryIndex(options.router));
    default:
      throw new CodedError('ROUTE_UNKNOWN', `${method} ${path.slice(0, 200)} is not a path of this server`);
  }
}

async function handleModel(
  options: V2Options,
  method: string,
  match: RegExpExecArray,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const [, model = '', version, action] = match;
  if (method === 'POST' && action === 'infer') {
    return handleInfer(options, { model, ...(version === undefined ? {} : { version }) }, req, res);
  }
  if (method !== 'GET' || action === 'infer') {
    throw new CodedError('ROUTE_UNKNOWN', `${method} is not for this path`);
  }
  const view = options.router.view(model);
  if (!view) throw new CodedError('MODEL_UNKNOWN', `no model ${model} is assigned to this device`);
  if (action === 'stats') return sendJson(res, 200, await modelStatistics(options.router, view));
  const runner = labelled(view, version);
  if (action === 'ready') {
    if (!view.isReady) throw new CodedError('RUNNER_GONE');
    return sendJson(res, 200, { name: model, version: runner.spec.version, ready: true });
  }
  return sendJson(res, 200, modelMetadata(view, runner));
}

function labelled(view: RouteView, version: string | undefined): Runner {
  const { active, previous } = view;
  if (!active) throw new CodedError('MODEL_EMPTY');
  if (version === undefined || version === 'active') return active;
  const runner =
    version === 'previous' ? previous : [active, previous].find((one) => one?.spec.version === version);
  if (!runner)
    throw new CodedError('MODEL_UNKNOWN', `${view.model} has no version ${version} on this device now`);
  return runner;
}
