export * from './catalog.ts';
export * from './coded-error.ts';
export * from './error-class.ts';
export * from './error-text.ts';
