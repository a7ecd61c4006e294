import type { Static } from 'typebox';
import { CodedError } from '../errors/index.ts';
import { numbersOf, type Tensor, tensorOf } from '../v2/index.ts';
import type { Layout, Recolour, Reorder, Resize } from './step-schemas.ts';

/** How far apart neighbours of an image's four dimensions lie in its flattened numbers. */
interface Image {
  readonly n: number;
  readonly c: number;
  readonly h: number;
  readonly w: number;
  at(n: number, c: number, y: number, x: number): number;
}

export function resize(step: Static<typeof Resize>, tensor: Tensor): Tensor {
  const from = imageOf(tensor, step.layout);
  const values = numbersOf(tensor);
  const shape = shapeOf(step.layout, from.n, from.c, step.height, step.width);
  const to = imageOf({ ...tensor, shape }, step.layout);
  const out = new Float64Array(from.n * from.c * step.height * step.width);
  const rows = taps(from.h, step.height, step.mode);
  const columns = taps(from.w, step.width, step.mode);
  const value = (n: number, c: number, y: number, x: number): number => values[from.at(n, c, y, x)] as number;
  for (let n = 0; n < to.n; n++) {
    for (let c = 0; c < to.c; c++) {
      for (const [y, row] of rows.entries()) {
        for (const [x, column] of columns.entries()) {
          const top = mix(value(n, c, row.low, column.low), value(n, c, row.low, column.high), column.part);
          const base = mix(
            value(n, c, row.high, column.low),
            value(n, c, row.high, column.high),
            column.part,
          );
          out[to.at(n, c, y, x)] = mix(top, base, row.part);
        }
      }
    }
  }
  return tensorOf(tensor.name, step.mode === 'nearest' ? tensor.datatype : 'FP32', shape, out);
}

export function channelOrder(step: Static<typeof Reorder> | Static<typeof Recolour>, tensor: Tensor): Tensor {
  if (step.from === step.to) return tensor;
  const isLayout = !('layout' in step);
  const from = imageOf(tensor, isLayout ? (step.from as Layout) : step.layout);
  const layout = isLayout ? (step.to as Layout) : step.layout;
  const shape = shapeOf(layout, from.n, from.c, from.h, from.w);
  const to = imageOf({ ...tensor, shape }, layout);
  if (!isLayout && from.c !== 3)
    throw new CodedError('INFER_FAILED', `${tensor.name} has ${from.c} channels, not red, green and blue`);
  const values = numbersOf(tensor);
  const out = new Float64Array(values.length);
  for (let n = 0; n < from.n; n++) {
    for (let c = 0; c < from.c; c++) {
      const target = isLayout ? c : 2 - c;
      for (let y = 0; y < from.h; y++) {
        for (let x = 0; x < from.w; x++) out[to.at(n, target, y, x)] = values[from.at(n, c, y, x)] as number;
      }
    }
  }
  return tensorOf(tensor.name, tensor.datatype, shape, out);
}

/** Which two source lines make a target line, and how much of the second. Pixels are areas: their centres are at .5. */
function taps(from: number, to: number, mode: 'nearest' | 'bilinear') {
  return Array.from({ length: to }, (_, i) => {
    const centre = ((i + 0.5) * from) / to;
    if (mode === 'nearest') {
      const low = Math.min(from - 1, Math.floor(centre));
      return { low, high: low, part: 0 };
    }
    const place = Math.min(from - 1, Math.max(0, centre - 0.5));
    const low = Math.floor(place);
    return { low, high: Math.min(from - 1, low + 1), part: place - low };
  });
}

const mix = (a: number, b: number, part: number): number => (part === 0 ? a : a + (b - a) * part);

const shapeOf = (layout: Layout, n: number, c: number, h: number, w: number): number[] =>
  layout === 'NCHW' ? [n, c, h, w] : [n, h, w, c];

function imageOf({ name, shape }: Tensor, layout: Layout): Image {
  if (shape.length !== 4) throw new CodedError('INFER_FAILED', `${name} is no ${layout} image: [${shape}]`);
  const [n, second, third, fourth] = shape as [number, number, number, number];
  if (layout === 'NCHW') {
    const [c, h, w] = [second, third, fourth];
    return { n, c, h, w, at: (i, j, y, x) => ((i * c + j) * h + y) * w + x };
  }
  const [h, w, c] = [second, third, fourth];
  return { n, c, h, w, at: (i, j, y, x) => ((i * h + y) * w + x) * c + j };
}
