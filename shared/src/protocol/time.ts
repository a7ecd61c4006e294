import { type Static, Type } from 'typebox';

/**
 * GET /device/v1/time?nonce=N&root=V, the one call for which a device does not look at certificate dates. `root` is the
 * version of the root that it trusts: a key that signs the time may be newer than that.
 */
export const TimeReply = Type.Object({
  v: Type.Literal(1),
  /** The signed document `{_type: "time", fleet, nonce, at}`, as text. */
  time: Type.String({ maxLength: 16 * 1024 }),
  /** The roots that follow version `root`, in order, as text; as many as fit. */
  roots: Type.Array(Type.String({ maxLength: 512 * 1024 }), { maxItems: 64 }),
});
export type TimeReply = Static<typeof TimeReply>;
