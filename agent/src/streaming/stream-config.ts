import { Name } from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';

const closed = { additionalProperties: false };
const Topic = Type.String({ minLength: 1, maxLength: 1_000 });

/** One local topic whose messages a model answers on another. */
export const StreamConfig = Type.Object(
  {
    broker: Type.String({ pattern: '^mqtts?://', maxLength: 500 }),
    /** May hold the wildcards + and #. */
    topic: Topic,
    model: Name,
    /** Per input of the model the path of its value in a JSON payload (`sensor.rows.0`; empty: all of it) … */
    json: Type.Optional(Type.Record(Type.String({ maxLength: 128 }), Type.String({ maxLength: 500 }))),
    /** … or the one input that the whole payload is: little-endian FP32. */
    binary: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    output: Type.String({ minLength: 1, maxLength: 1_000, pattern: '^[^+#]*$' }),
    /** Messages that wait at most; what is beyond is dropped. */
    maxPending: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    /** Place in the model's queue: 1 (most urgent) to 5, 3 by default. */
    priority: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
    drop: Type.Optional(Type.Union([Type.Literal('oldest'), Type.Literal('newest')])),
  },
  closed,
);
export type StreamConfig = Static<typeof StreamConfig>;
