import { type Static, Type } from 'typebox';
import { Stream } from './envelope.ts';
import { Code, Count, EpochMs, Sentence, Uuid } from './ids.ts';

/** A code and a sentence for the device's log and its technician. */
export const Notice = Type.Object({ code: Code, reason: Sentence });
export type Notice = Static<typeof Notice>;

/** `dn/desired`: "generation N is waiting", with the signed assignment when it fits. A hint, trusted for nothing. */
export const Desired = Type.Object({
  v: Type.Literal(1),
  generation: Count,
  /** The signed director document, verified like any other copy of it. */
  assignment: Type.Optional(Type.Unknown()),
  /** Width in ms of the window over which a device spreads its next reconnect (full jitter). */
  reconnectWindowMs: Type.Optional(Count),
  /** The server closes this connection and says why; nothing else in the message counts. Come back much later. */
  refused: Type.Optional(Notice),
  /** Something is wrong around this device, which goes on as before. */
  warning: Type.Optional(Notice),
});
export type Desired = Static<typeof Desired>;

/** `dn/ack`: end-to-end acknowledgement of one stream. Everything up to and including `storedUpTo` may be forgotten. */
export const Ack = Type.Object({
  v: Type.Literal(1),
  journal: Uuid,
  start: Count,
  stream: Stream,
  storedUpTo: Count,
  /** Reports that the server keeps aside and will never take; the device forgets them as well. */
  quarantined: Type.Array(Type.Object({ seq: Count, code: Code }), { maxItems: 256 }),
});
export type Ack = Static<typeof Ack>;

/** `dn/cmd`: a request to the device; answered by an event of kind `answer`. */
export const Command = Type.Object({
  v: Type.Literal(1),
  id: Uuid,
  op: Type.Union([Type.Literal('report'), Type.Literal('poll'), Type.Literal('restartRunner')]),
  expires: EpochMs,
});
export type Command = Static<typeof Command>;
