import { Capabilities, Phase, RunningDigest } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import { Terms } from '../../core/terms.ts';
import { nullable, StringMap } from '../schemas.ts';

const DeviceModelSchema = Type.Object({
  device: Type.String(),
  model: Type.String(),
  phase: Phase,
  running: nullable(RunningDigest),
  isCommitted: Type.Boolean(),
  isUnexercised: Type.Boolean(),
  candidate: nullable(
    Type.Object({ version: Type.String(), digest: Type.String(), attempt: Type.Integer() }),
  ),
  failure: nullable(Type.Object({ code: Type.String(), reason: Type.String(), phase: Phase })),
  waiting: Type.Optional(
    nullable(
      Type.Object({ code: Type.String(), reason: Type.String(), until: Type.Optional(Type.Integer()) }),
    ),
  ),
  sinceMs: Type.Integer(),
  updatedAtMs: Type.Integer(),
  answers: Type.Integer(),
  failures: Type.Integer(),
  fallbacks: Type.Integer(),
  isProven: Type.Boolean(),
  desired: nullable(
    Type.Object({
      version: Type.String(),
      digest: Type.String(),
      rollout: nullable(Type.String()),
      terms: Type.Optional(nullable(Terms)),
    }),
  ),
  blockedBy: nullable(
    Type.Object({
      code: Type.String(),
      sentence: Type.String(),
      untilMs: Type.Optional(Type.Integer({ description: 'when it goes on by itself' })),
    }),
  ),
});

/** `DeviceView` of the core as the API describes it. */
export const DeviceSchema = Type.Object({
  id: Type.String(),
  ring: nullable(Type.String()),
  rings: Type.Array(Type.String(), { description: 'every ring that claims it, the one it is in first' }),
  labels: StringMap,
  facts: nullable(Capabilities),
  status: Type.Union([
    Type.Literal('active'),
    Type.Literal('revoked'),
    Type.Literal('cloned'),
    Type.Literal('decommissioned'),
  ]),
  isConnected: Type.Boolean(),
  via: nullable(
    Type.Union([Type.Literal('mqtt'), Type.Literal('http')], {
      description: 'http: no MQTT gets through at its site; it asks every 30 s',
    }),
  ),
  lastSeenAtMs: nullable(Type.Integer()),
  enrolledAtMs: Type.Integer(),
  generation: Type.Integer({ description: 'of the newest assignment made for it' }),
  acceptedGeneration: Type.Integer(),
  hold: nullable(Type.Object({ reason: Type.String(), by: Type.String(), sinceMs: Type.Integer() })),
  models: Type.Array(DeviceModelSchema),
});
