import { type Static, Type } from 'typebox';
import { Capabilities } from './hello.ts';
import { Digest, EpochMs, Id } from './ids.ts';

const Labels = Type.Record(Type.String({ maxLength: 63 }), Type.String({ maxLength: 63 }));

/**
 * What an enrollment token carries, base64url of this JSON after the prefix `rfe1.`: where the server is, whom to
 * trust (the CA's digest, the current root), and the secret that admits the device.
 */
export const EnrollmentToken = Type.Object({
  v: Type.Literal(1),
  url: Type.String({ maxLength: 500 }),
  /** sha256 of the server CA certificate's DER: the pin of the first TLS contact. */
  caPin: Digest,
  /** The current signed TUF root, pinned by the person who carried the token. */
  root: Type.Unknown(),
  /** Versions of signed metadata, by role, when the token was made: a new device takes nothing older. */
  minimum: Type.Optional(
    Type.Record(Type.String({ maxLength: 128 }), Type.Integer({ minimum: 1 }), { maxProperties: 4_096 }),
  ),
  secret: Type.String({ minLength: 32, maxLength: 128 }),
  labels: Labels,
});
export type EnrollmentToken = Static<typeof EnrollmentToken>;

/** POST /device/v1/enroll (no client certificate yet). `id` is absent when the server is to choose. */
export const EnrollRequest = Type.Object({
  secret: Type.String({ minLength: 32, maxLength: 128 }),
  id: Type.Optional(Id),
  /** PKCS #10 request, PEM, EC P-256; its subject's CN is ignored but for `id`. */
  csr: Type.String({ maxLength: 8_192 }),
  capabilities: Type.Optional(Capabilities),
});
export type EnrollRequest = Static<typeof EnrollRequest>;

export const EnrollReply = Type.Object({
  fleet: Id,
  device: Id,
  /** PEM: the device's certificate followed by the intermediate CA's. */
  certificate: Type.String({ maxLength: 16_384 }),
  /** PEM of the root CA that signs the server's and the devices' chains. */
  ca: Type.String({ maxLength: 16_384 }),
  /** https://host:port of the device listener (mTLS). */
  apiUrl: Type.String({ maxLength: 500 }),
  /** mqtts://host:port. */
  mqttUrl: Type.String({ maxLength: 500 }),
  notAfter: EpochMs,
});
export type EnrollReply = Static<typeof EnrollReply>;
