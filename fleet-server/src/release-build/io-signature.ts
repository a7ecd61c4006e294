import { CodedError } from '@ringfleet/shared/errors';
import { expectationFault, type TensorSpec } from '@ringfleet/shared/release';
import { type PostStep, type PreStep, specsAfterPost, specsAfterPre } from '@ringfleet/shared/steps';
import type { DeclaredTensor } from '../adapters/model-session.ts';
import type { ReleaseSource } from './release-source.ts';

/** What a request gives and an answer holds, around the steps and the model; every free axis is bounded. */
export interface IoSignature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly pre: readonly PreStep[];
  readonly post: readonly PostStep[];
  /** Most samples in one run; 1 when the model takes no batches. */
  readonly batch: number;
}

/** Free axes of outputs behind the first, such as a number of detections. */
const MAX_FREE_OUTPUT = 1_048_576;

/**
 * Reads the signature from a loaded model and fits it to the columns that `release.yaml` gives each input. Throws
 * RELEASE_SOURCE_INVALID naming the input or output that does not fit.
 */
export function ioSignature(
  declared: { readonly inputs: readonly DeclaredTensor[]; readonly outputs: readonly DeclaredTensor[] },
  source: ReleaseSource,
): IoSignature {
  const isBatched = declared.inputs.every((input) => typeof input.shape[0] === 'string');
  const batch = isBatched ? (source.limits.maxBatch ?? 1) : 1;
  const names = declared.inputs.map((input) => input.name);
  for (const name of Object.keys(source.data.inputs)) {
    if (!names.includes(name))
      throw misfit(`data.inputs.${name}`, `the model has no input ${name}, but ${names}`);
  }
  const inputs = declared.inputs.map((input) => {
    const field = `data.inputs.${input.name}`;
    const columns = source.data.inputs[input.name];
    if (columns === undefined) throw misfit(field, `the model's input ${input.name} has no columns`);
    const own = specOf(input, field, batch, () => {
      throw misfit(field, `the model's input has a free axis besides the first: [${input.shape.join(', ')}]`);
    });
    const spec = wireSpec(source, own, batch);
    const perSample = spec.axes.slice(isBatched ? 1 : 0).reduce((product, axis) => product * axis.max, 1);
    if (perSample !== columns.length) {
      throw misfit(
        field,
        `the model takes ${perSample} numbers per sample, there are ${columns.length} columns`,
      );
    }
    return spec;
  });
  const outputs = declared.outputs.map((output) => {
    const field = `output ${output.name}`;
    return specOf(output, field, isBatched ? batch : MAX_FREE_OUTPUT, () => ({
      min: 0,
      max: MAX_FREE_OUTPUT,
    }));
  });
  checkLabels(source, outputs);
  checkFeatures(source, inputs);
  const { pre = [], post = [] } = source;
  return { inputs, outputs: specsAfterPost(post, outputs), pre, post, batch };
}

/** What a request gives for an input, whose steps must make of it what the model takes. */
function wireSpec(source: ReleaseSource, own: TensorSpec, batch: number): TensorSpec {
  const declared = source.inputs?.[own.name];
  const field = `inputs.${own.name}`;
  const wire: TensorSpec = declared
    ? {
        name: own.name,
        datatype: declared.datatype,
        axes: declared.shape.map((length, i) => {
          if (length > 0) return { min: length, max: length };
          if (i === 0 && length === -1) return { min: 1, max: batch };
          throw misfit(field, `${length} is no length; only the first axis may be -1`);
        }),
      }
    : own;
  const given = specsAfterPre(source.pre ?? [], [wire])[0] ?? wire;
  const textOf = ({ datatype, axes }: TensorSpec): string =>
    `${datatype} [${axes.map(({ min, max }) => (min === max ? max : `${min}..${max}`)).join(', ')}]`;
  if (textOf(given) === textOf(own)) return wire;
  throw misfit(field, `the steps give ${textOf(given)}, the model takes ${textOf(own)}`);
}

/** Throws RELEASE_SOURCE_INVALID unless both models have the same names, datatypes and shapes. */
export function checkSameSignature(what: string, a: IoSignature, b: IoSignature): void {
  const textOf = ({ inputs, outputs }: IoSignature): string => JSON.stringify([inputs, outputs].map(sorted));
  if (textOf(a) !== textOf(b))
    throw misfit(what, 'its inputs or outputs differ from those of the first variant');
}

function specOf(
  tensor: DeclaredTensor,
  field: string,
  firstAxisMax: number,
  boundsOf: () => { min: number; max: number },
): TensorSpec {
  if (tensor.datatype === null) throw misfit(field, `tensors of ${tensor.type} are not supported yet`);
  const axes = tensor.shape.map((axis, i) => {
    if (typeof axis === 'number') return { min: axis, max: axis };
    const bounds = i === 0 ? { min: 1, max: firstAxisMax } : boundsOf();
    // ONNX allows any text as the name of a free axis, and none.
    return axis === '' ? bounds : { name: axis.slice(0, 64), ...bounds };
  });
  return { name: tensor.name, datatype: tensor.datatype, axes };
}

function checkLabels(source: ReleaseSource, outputs: readonly TensorSpec[]): void {
  if (!source.labels) return;
  const { output: name, names } = source.labels;
  const output = outputs.find((candidate) => candidate.name === name);
  if (!output) throw misfit('labels.output', `the model has no output ${name}`);
  if (output.datatype === 'BYTES') throw misfit('labels.output', `${name} holds text, not scores`);
  if (output.axes.at(-1)?.max !== names.length) {
    throw misfit('labels.names', `${names.length} names for an output of ${output.axes.at(-1)?.max} classes`);
  }
}

function checkFeatures(source: ReleaseSource, inputs: readonly TensorSpec[]): void {
  const seen = new Set<string>();
  for (const [i, feature] of (source.features ?? []).entries()) {
    const field = `features.${i}`;
    const columns = source.data.inputs[feature.input];
    if (!columns)
      throw misfit(field, `${feature.name} is of an input ${feature.input} that the model does not have`);
    const datatype = inputs.find((input) => input.name === feature.input)?.datatype ?? '';
    if (datatype === 'BYTES')
      throw misfit(field, `${feature.name} is of the input ${feature.input}, which holds text`);
    if (seen.has(feature.name)) throw misfit(field, `there are two features ${feature.name}`);
    seen.add(feature.name);
    const fault = expectationFault(feature, datatype.startsWith('FP'));
    if (fault !== undefined) throw misfit(`${field}.expect`, `${feature.name}: ${fault}`);
    if (feature.kind !== 'image' && (feature.index ?? columns.length) >= columns.length) {
      throw misfit(field, `${feature.name} needs an index below ${columns.length}`);
    }
  }
}

const sorted = (specs: readonly TensorSpec[]): TensorSpec[] =>
  specs
    .map(({ name, datatype, axes }) => ({ name, datatype, axes: axes.map(({ min, max }) => ({ min, max })) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

const misfit = (at: string, what: string): CodedError =>
  new CodedError('RELEASE_SOURCE_INVALID', `${at}: ${what}`, { at });
