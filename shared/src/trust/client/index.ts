export type { TargetFile } from '@tufjs/models';
export { BUNDLE_ROLE } from './bundle-view.ts';
export * from './find-target.ts';
export * from './metadata-store.ts';
export * from './refresh.ts';
export * from './refresh-by-bundle.ts';
export * from './rules.ts';
export * from './run-workflow.ts';
export { initialRootVersion, lostItsKeys, type TrustedSet } from './trusted-set.ts';
