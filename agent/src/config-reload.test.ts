import { expect, it } from 'vitest';
import { DEFAULTS } from './config.ts';
import { changesOf } from './config-reload.ts';

it('tells what a running agent takes up from what waits for a restart', () => {
  const after = { ...DEFAULTS, log: { level: 'debug' as const }, http: { ...DEFAULTS.http, port: 9000 } };
  expect(changesOf(DEFAULTS, after)).toEqual({ now: ['log.level'], afterRestart: ['http.port'] });
  expect(changesOf(DEFAULTS, DEFAULTS)).toEqual({ now: [], afterRestart: [] });
});
