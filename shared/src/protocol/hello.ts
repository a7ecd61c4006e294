import { type Static, Type } from 'typebox';
import { Count, EpochMs, Name, RunningDigest, Uuid } from './ids.ts';

export const ProviderState = Type.Union([
  Type.Literal('ok'),
  Type.Literal('notInstalled'),
  Type.Literal('loadFailed'),
  Type.Literal('wrongResult'),
  Type.Literal('crashed'),
  Type.Literal('timedOut'),
]);

/** What the device is and can do. Facts are the device's word: never used for rights (DESIGN §12). */
export const Capabilities = Type.Object({
  agentVersion: Type.String({ maxLength: 64 }),
  arch: Type.String({ maxLength: 32 }),
  os: Type.String({ maxLength: 64 }),
  hostname: Type.String({ maxLength: 255 }),
  cpus: Count,
  memoryBytes: Count,
  diskFreeBytes: Count,
  runtime: Type.Object({ name: Type.String({ maxLength: 64 }), version: Type.String({ maxLength: 64 }) }),
  providers: Type.Array(
    Type.Object({ name: Name, state: ProviderState, reason: Type.Optional(Type.String({ maxLength: 500 })) }),
    { maxItems: 16 },
  ),
});
export type Capabilities = Static<typeof Capabilities>;

/** `up/hello`, on every connect. Not a numbered report: the newest wins. */
export const Hello = Type.Object({
  v: Type.Literal(1),
  at: EpochMs,
  journal: Uuid,
  start: Count,
  /** Random per process start: two different ones under one identity at the same time are a clone. */
  instance: Uuid,
  capabilities: Capabilities,
  /** Generation of the last assignment this device accepted; 0 before the first. */
  generation: Count,
  models: Type.Array(Type.Object({ model: Name, running: Type.Optional(RunningDigest) }), { maxItems: 64 }),
  /** Lowest sequence number still kept per stream, else the next one to be given; 0 from agents that do not say. */
  oldest: Type.Object({ state: Count, event: Count, tele: Count }),
  /** The newest state report that a server has acknowledged. One that does not have it was restored from a backup. */
  lastStored: Type.Optional(Type.Object({ start: Count, seq: Count })),
});
export type Hello = Static<typeof Hello>;
