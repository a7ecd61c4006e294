import { type Static, Type } from 'typebox';
import { Count } from './ids.ts';

/** When a release may go live: from each time of the cron line on, for `graceMs`. */
export const MaintenanceWindow = Type.Object({
  /** Five fields, in the time zone's wall clock. */
  cron: Type.String({ minLength: 1, maxLength: 100 }),
  /** Of the IANA database, `Europe/Berlin`. */
  timeZone: Type.String({ minLength: 1, maxLength: 64 }),
  graceMs: Type.Integer({ minimum: 60_000, maximum: 7 * 86_400_000 }),
});
export type MaintenanceWindow = Static<typeof MaintenanceWindow>;

const PerMille = Type.Integer({ minimum: 0, maximum: 1000 });

/** How long and how much a candidate sees beside the active release before it goes live. */
export const ShadowTerms = Type.Object({
  minInferences: Count,
  /** After this it goes on with what was seen. */
  deadlineMs: Type.Integer({ minimum: 1_000, maximum: 30 * 86_400_000 }),
  /** How many of a thousand requests it is shown. */
  samplePerMille: Type.Integer({ minimum: 1, maximum: 1000 }),
  /** Below this agreement it is given up; 0 only reports. */
  minAgreementPerMille: PerMille,
});
export type ShadowTerms = Static<typeof ShadowTerms>;

const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }));

/** Limits of the manifest that this device tightens: bytes of memory, ms to load, ms of one execution. */
export const AssignedLimits = Type.Object({ memoryBytes: Limit, loadMs: Limit, inferMs: Limit });
export type AssignedLimits = Static<typeof AssignedLimits>;

/** Terms of an assigned model that older agents pass over. All but `urgent` only tighten what the device itself allows. */
export const AssignmentTerms = {
  hold: Type.Optional(Type.Boolean()),
  /** Going back to a good release does not wait for a window. */
  urgent: Type.Optional(Type.Boolean()),
  window: Type.Optional(MaintenanceWindow),
  maxBytesPerSecond: Type.Optional(Type.Integer({ minimum: 8_192, maximum: Number.MAX_SAFE_INTEGER })),
  shadow: Type.Optional(ShadowTerms),
  limits: Type.Optional(AssignedLimits),
};
