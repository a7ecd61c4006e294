export * from './bernoulli-e-process.ts';
export * from './bins.ts';
export * from './class-scores.ts';
export * from './clopper-pearson.ts';
export * from './divergence.ts';
export * from './feature-profile.ts';
export * from './feature-values.ts';
export * from './quantile-edges.ts';
export { chiSquareSurvival } from './special-functions.ts';
