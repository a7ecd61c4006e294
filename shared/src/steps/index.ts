export * from './apply-steps.ts';
export * from './specs-after.ts';
export * from './step-schemas.ts';
