/** The grains in which counts are kept, in ms: what is looked at now, in the last days, and over the year. */
export const STEPS = { slot: 300_000, hour: 3_600_000, day: 86_400_000 } as const;
export type Step = keyof typeof STEPS;

/** Start of the bucket, UTC, that holds this time. */
export const bucketOf = (atMs: number, step: Step): number => atMs - (atMs % STEPS[step]);

/** How long each kind of row is kept, in days. Whole day tables are dropped; of a year, a day is one row. */
export interface Retention {
  readonly rawDays: number;
  readonly slotDays: number;
  readonly hourDays: number;
  readonly dayDays: number;
}

export const RETENTION: Retention = { rawDays: 7, slotDays: 14, hourDays: 62, dayDays: 400 };
