export * from './packet-lengths.ts';
