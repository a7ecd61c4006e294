import type { IndexRow, ModelMetadata, TensorMetadata } from '../model-metadata.ts';
import type { ModelStatistics, StatisticDuration } from '../model-statistics.ts';
import { MessageWriter, numberOf, readFields, WorkBudget } from './wire.ts';

/** A request that names a model and perhaps a version: ModelReady, ModelMetadata and ModelStatistics share it. */
export function readModelName(message: Buffer): { readonly name: string; readonly version?: string } {
  let name = '';
  let version = '';
  readFields(message, new WorkBudget(), (field, _type, raw) => {
    if (field === 1) name = raw.toString('utf8', 0, 256);
    else if (field === 2) version = raw.toString('utf8', 0, 256);
  });
  return { name, ...(version === '' ? {} : { version }) };
}

/** `ready` of RepositoryIndexRequest. */
export function readOnlyReady(message: Buffer): boolean {
  let isOnlyReady = false;
  readFields(message, new WorkBudget(), (field, _type, raw) => {
    if (field === 2) isOnlyReady = numberOf(raw) !== 0;
  });
  return isOnlyReady;
}

/** ServerLive, ServerReady and ModelReady all answer one boolean. */
export const writeFlag = (value: boolean): Buffer => new MessageWriter().bool(1, value).finish();

export function writeServerMetadata(server: {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}): Buffer {
  const message = new MessageWriter().text(1, server.name).text(2, server.version);
  for (const extension of server.extensions) message.text(3, extension);
  return message.finish();
}

export function writeModelMetadata(model: ModelMetadata): Buffer {
  const message = new MessageWriter().text(1, model.name);
  for (const version of model.versions) message.text(2, version);
  message.text(3, model.platform);
  for (const input of model.inputs) message.message(4, tensor(input));
  for (const output of model.outputs) message.message(5, tensor(output));
  return message.finish();
}

export function writeRepositoryIndex(rows: readonly IndexRow[]): Buffer {
  const message = new MessageWriter();
  for (const { name, version, state, reason = '' } of rows) {
    message.message(1, new MessageWriter().text(1, name).text(2, version).text(3, state).text(4, reason));
  }
  return message.finish();
}

export function writeModelStatistics(rows: readonly ModelStatistics[]): Buffer {
  const message = new MessageWriter();
  for (const row of rows) {
    const { success, fail, queue, compute_input, compute_infer, compute_output, cache_hit, cache_miss } =
      row.inference_stats;
    const stats = new MessageWriter();
    const durations = [
      success,
      fail,
      queue,
      compute_input,
      compute_infer,
      compute_output,
      cache_hit,
      cache_miss,
    ];
    for (const [i, one] of durations.entries()) stats.message(i + 1, duration(one));
    message.message(
      1,
      new MessageWriter()
        .text(1, row.name)
        .text(2, row.version)
        .uint(3, row.last_inference)
        .uint(4, row.inference_count)
        .uint(5, row.execution_count)
        .message(6, stats),
    );
  }
  return message.finish();
}

const tensor = ({ name, datatype, shape }: TensorMetadata): MessageWriter =>
  new MessageWriter().text(1, name).text(2, datatype).ints(3, shape);

const duration = ({ count, ns }: StatisticDuration): MessageWriter =>
  new MessageWriter().uint(1, count).uint(2, ns);
