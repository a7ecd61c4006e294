import { type Static, Type } from 'typebox';
import { Code, Name, Sentence, Version } from './ids.ts';

/** `up/event`: what a person may want to know, never dropped by the outbox. */
export const EventReport = Type.Object({
  kind: Type.Union([
    Type.Literal('rollback'),
    Type.Literal('downgrade'),
    Type.Literal('runnerExit'),
    Type.Literal('alert'),
    Type.Literal('trust'),
    Type.Literal('answer'),
    Type.Literal('lifecycle'),
  ]),
  severity: Type.Union([Type.Literal('info'), Type.Literal('warning'), Type.Literal('error')]),
  code: Code,
  message: Sentence,
  model: Type.Optional(Name),
  version: Type.Optional(Version),
  data: Type.Optional(
    Type.Record(
      Type.String({ maxLength: 64 }),
      Type.Union([Type.String({ maxLength: 500 }), Type.Number(), Type.Boolean()]),
    ),
  ),
});
export type EventReport = Static<typeof EventReport>;

/** `up/status`: birth message and last will. Not numbered. */
export const Status = Type.Object({ v: Type.Literal(1), isOnline: Type.Boolean() });
export type Status = Static<typeof Status>;
