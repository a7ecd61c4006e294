import { type Static, Type } from 'typebox';
import { Ack } from './down.ts';
import { Envelope } from './envelope.ts';
import { Hello } from './hello.ts';

/** POST /device/v1/reports: the same messages when MQTT is blocked. */
export const ReportsRequest = Type.Object({
  v: Type.Literal(1),
  hello: Type.Optional(Hello),
  reports: Type.Array(Envelope, { maxItems: 256 }),
});
export type ReportsRequest = Static<typeof ReportsRequest>;

export const ReportsReply = Type.Object({ v: Type.Literal(1), acks: Type.Array(Ack, { maxItems: 16 }) });
export type ReportsReply = Static<typeof ReportsReply>;
