import { type Static, Type } from 'typebox';
import { DURATION_PATTERN } from './duration.ts';

const Duration = Type.String({
  pattern: DURATION_PATTERN,
  maxLength: 40,
  description: 'A duration: 500ms, 6s, 30m, 72h, 1h30m',
});
const Share = Type.String({ pattern: '^\\d{1,3}(\\.\\d{1,2})?%$', description: 'A share: 5%, 0.25%' });
const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }));
const closed = { additionalProperties: false } as const;

/** What an operator may ask of devices besides the release: all but `urgent` only tightens what a device itself allows. */
export const TermsSpec = Type.Object(
  {
    hold: Type.Optional(
      Type.Boolean({ description: 'nothing new starts or goes live until it is taken back' }),
    ),
    urgent: Type.Optional(
      Type.Boolean({ description: 'waits for no maintenance window and no hold of the server' }),
    ),
    window: Type.Optional(
      Type.Object(
        {
          cron: Type.String({ minLength: 1, maxLength: 100, description: 'five fields, on the wall clock' }),
          timeZone: Type.String({ minLength: 1, maxLength: 64, description: 'of the IANA database' }),
          grace: Type.String({ ...Duration, description: 'how long it stays open: 1m to 7d' }),
        },
        closed,
      ),
    ),
    maxBytesPerSecond: Type.Optional(Type.Integer({ minimum: 8_192, maximum: Number.MAX_SAFE_INTEGER })),
    shadow: Type.Optional(
      Type.Object(
        {
          minInferences: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000_000 })),
          deadline: Type.Optional(Duration),
          sample: Type.Optional(Share),
          minAgreement: Type.Optional(Share),
        },
        closed,
      ),
    ),
    limits: Type.Optional(Type.Object({ memoryBytes: Limit, loadMs: Limit, inferMs: Limit }, closed)),
  },
  closed,
);
export type TermsSpec = Static<typeof TermsSpec>;
