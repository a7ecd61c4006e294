export * from './feature-spec.ts';
export * from './files-of-variants.ts';
export * from './limits.ts';
export * from './manifest.ts';
export * from './read-manifest.ts';
export * from './write-manifest.ts';
