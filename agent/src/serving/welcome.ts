import type { TensorSpec } from '@ringfleet/shared/release';
import type { ServingRouter } from './router.ts';
import type { FrontEnds } from './start-front-ends.ts';

/** Longer examples would fill a terminal; then the metadata's address stands instead. */
const MAX_ELEMENTS = 256;

/** What a person sees who started a server: where it is, and a line to paste for each model. */
export function welcome(doors: FrontEnds, router: ServingRouter): string[] {
  const { http, socketPath, grpc, grpcSocketPath, metrics } = doors;
  const lines = router.models().flatMap((model) => {
    const url = `${http}/v2/models/${model}`;
    const inputs = router.view(model)?.active?.spec.manifest.inputs ?? [];
    return [`serving ${url}`, `  try: ${exampleLine(url, inputs)}`];
  });
  const door = (name: string, where: string | undefined): string[] =>
    where === undefined ? [] : [`${name} ${where}`];
  return [
    ...lines,
    ...door('socket', socketPath),
    ...door('gRPC', grpc),
    ...door('gRPC socket', grpcSocketPath),
    ...door('metrics', metrics),
  ];
}

/** A request of zeros in the smallest shape that the model takes. */
export function exampleLine(url: string, inputs: readonly TensorSpec[]): string {
  const tensors = inputs.map(({ name, datatype, axes }) => {
    const shape = axes.map((axis) => Math.max(1, axis.min));
    return { name, datatype, shape, size: shape.reduce((size, axis) => size * axis, 1) };
  });
  const isShort = tensors.reduce((sum, { size }) => sum + size, 0) <= MAX_ELEMENTS;
  // FP16 has no JSON form.
  if (!isShort || tensors.some(({ datatype }) => datatype === 'FP16')) return `curl -s ${url}`;
  const body = {
    inputs: tensors.map(({ name, datatype, shape, size }) => ({
      name,
      datatype,
      shape,
      data: new Array(size).fill(datatype === 'BYTES' ? '' : datatype === 'BOOL' ? false : 0),
    })),
  };
  const json = JSON.stringify(body).replaceAll("'", "'\\''");
  return `curl -s ${url}/infer -d '${json}'`;
}
