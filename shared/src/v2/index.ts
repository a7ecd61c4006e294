export type { WireBody } from './body.ts';
export { packStrings, textOf, unpackStrings } from './byte-strings.ts';
export * from './check-against.ts';
export * from './infer-request.ts';
export * from './infer-response.ts';
export * from './ort-types.ts';
export * from './raw-request.ts';
export * from './sample.ts';
export * from './tensor.ts';
