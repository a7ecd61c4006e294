import { type Static, Type } from 'typebox';

/** Fleet and device ids: safe as MQTT topic segments and file names (DESIGN §9). */
export const Id = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' });
/** Model, variant and ring names: DNS labels (RFC 1123). */
export const Name = Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' });
/** Strict semver 2.0.0 without build metadata. */
export const Version = Type.String({
  maxLength: 64,
  pattern:
    '^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(-(0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)(\\.(0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*))*)?$',
});
export const Digest = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' });
export const Uuid = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
});
/** Integer milliseconds since the epoch; bounded by the year 9999. */
export const EpochMs = Type.Integer({ minimum: 0, maximum: 253_402_300_799_999 });
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** An `UPPER_SNAKE` code; open, because a newer peer may send one that this side does not know. */
export const Code = Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,63}$' });
export const Sentence = Type.String({ maxLength: 1000 });

/** What a device really runs, or ran, of one model: the only truth a ring counts (DESIGN §2). */
export const RunningDigest = Type.Object({
  version: Version,
  /** sha256 of the manifest's bytes. */
  digest: Digest,
  variant: Name,
});
export type RunningDigest = Static<typeof RunningDigest>;
