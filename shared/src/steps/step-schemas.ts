import { type Static, Type } from 'typebox';
import { Datatype } from '../release/datatype.ts';

// A field that a device does not know would silently change its numbers, so these are closed.
const closed = { additionalProperties: false };
const TensorName = Type.String({ minLength: 1, maxLength: 128 });
const PerChannel = Type.Array(Type.Number(), { minItems: 1, maxItems: 4096 });
const Length = Type.Integer({ minimum: 1, maximum: 16_384 });

/** Where batch, channels, height and width lie in the four axes of images. */
export const Layout = Type.Union([Type.Literal('NCHW'), Type.Literal('NHWC')]);
export type Layout = Static<typeof Layout>;
const Colours = Type.Union([Type.Literal('RGB'), Type.Literal('BGR')]);

/** `(x · scale − mean) / std` as FP32; mean and std have one number, or one per channel along `axis`. */
export const Normalise = Type.Object(
  {
    op: Type.Literal('normalise'),
    input: TensorName,
    scale: Type.Optional(Type.Number()),
    mean: Type.Optional(PerChannel),
    std: Type.Optional(Type.Array(Type.Number({ exclusiveMinimum: 0 }), { minItems: 1, maxItems: 4096 })),
    /** Axis of the channels; the last by default. */
    axis: Type.Optional(Type.Integer({ minimum: 0, maximum: 7 })),
  },
  closed,
);

/** Images to a height and width, by pixel centres as Pillow and PyTorch place them; bilinear gives FP32. */
export const Resize = Type.Object(
  {
    op: Type.Literal('resize'),
    input: TensorName,
    height: Length,
    width: Length,
    mode: Type.Union([Type.Literal('nearest'), Type.Literal('bilinear')]),
    layout: Layout,
  },
  closed,
);

/** From one layout to the other. */
export const Reorder = Type.Object(
  { op: Type.Literal('channelOrder'), input: TensorName, from: Layout, to: Layout },
  closed,
);

/** Red and blue change places. */
export const Recolour = Type.Object(
  { op: Type.Literal('channelOrder'), input: TensorName, from: Colours, to: Colours, layout: Layout },
  closed,
);

/** To another datatype; to integers by cutting the fraction and staying within bounds. */
export const Cast = Type.Object({ op: Type.Literal('cast'), input: TensorName, to: Datatype }, closed);

export const PreStep = Type.Union([Normalise, Resize, Reorder, Recolour, Cast]);
export type PreStep = Static<typeof PreStep>;

/** Along the last axis, as FP32. */
export const Softmax = Type.Object({ op: Type.Literal('softmax'), output: TensorName }, closed);

/** The k largest along the last axis, the largest first; `indices` names the new INT64 output with their places. */
export const TopK = Type.Object(
  {
    op: Type.Literal('topK'),
    output: TensorName,
    k: Type.Integer({ minimum: 1, maximum: 1024 }),
    indices: TensorName,
  },
  closed,
);

/** Class indexes become their names. */
export const Labels = Type.Object(
  {
    op: Type.Literal('labels'),
    output: TensorName,
    names: Type.Array(Type.String({ maxLength: 128 }), { minItems: 1, maxItems: 4096 }),
  },
  closed,
);

/** True where a value is at least `value`. */
export const Threshold = Type.Object(
  { op: Type.Literal('threshold'), output: TensorName, value: Type.Number() },
  closed,
);

export const PostStep = Type.Union([Softmax, TopK, Labels, Threshold]);
export type PostStep = Static<typeof PostStep>;
