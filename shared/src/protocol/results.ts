import { type Static, Type } from 'typebox';
import { Ack } from './down.ts';
import { Envelope } from './envelope.ts';
import { Hello } from './hello.ts';
import { Count, EpochMs, Id } from './ids.ts';

/** More than a device writes: its file is at most this long. */
export const MAX_RESULTS_BYTES = 12 * 1024 * 1024;

/** What a device without a network tells, carried by hand. */
export const Results = Type.Object({
  v: Type.Literal(1),
  at: EpochMs,
  hello: Hello,
  /** The oldest reports that the server has not acknowledged; state and events before telemetry. */
  reports: Type.Array(Envelope, { maxItems: 4_096 }),
  /** How many more wait in the device. */
  waiting: Count,
});
export type Results = Static<typeof Results>;

/** `results/<device>.json` on the stick, and the body of `POST /api/v1/bundles/results`. */
export const ResultsFile = Type.Object({
  v: Type.Literal(1),
  fleet: Id,
  device: Id,
  /** PEM of the device's certificate; what follows it is ignored. */
  certificate: Type.String({ maxLength: 16_384 }),
  /** Base64 of the DER form of an ECDSA signature with SHA-256 over `resultsText`. */
  signature: Type.String({ maxLength: 200 }),
  /** JSON of `Results`, as it was signed. */
  payload: Type.String({ maxLength: MAX_RESULTS_BYTES }),
});
export type ResultsFile = Static<typeof ResultsFile>;

/** `acks/<device>.json` of a bundle: what the server has stored of this device. */
export const CarriedAcks = Type.Object({ v: Type.Literal(1), acks: Type.Array(Ack, { maxItems: 768 }) });
export type CarriedAcks = Static<typeof CarriedAcks>;

/** What the device's key signs: good for results and nothing else. */
export const resultsText = (fleet: string, device: string, payload: string): string =>
  `ringfleet/results/1\n${fleet}\n${device}\n${payload}`;
