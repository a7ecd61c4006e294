import { describe, expect, it } from 'vitest';
import { isSampled } from './sampling.ts';
import { tracingChoice } from './tracing-choice.ts';

const base = 'http://collector:4318';

describe('where spans go', () => {
  it('is nowhere unless somebody says so', () => {
    expect(tracingChoice({}, {})).toBeUndefined();
    expect(tracingChoice({ ratio: 1 }, { OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBeUndefined();
    expect(tracingChoice({ endpoint: base }, { OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
  });

  it.each([
    [{ endpoint: base }, {}, `${base}/v1/traces`],
    [{ endpoint: `${base}/otlp/` }, {}, `${base}/otlp/v1/traces`],
    [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: base }, `${base}/v1/traces`],
    [{}, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${base}/mine` }, `${base}/mine`],
    [{ endpoint: base }, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://other' }, `${base}/v1/traces`],
  ])('of %j and %j is %s', (setting, env, url) => {
    expect(tracingChoice(setting, env)).toEqual({ url, ratio: 1 });
  });

  it.each([
    [{ endpoint: 'collector:4318' }, {}, '/tracing/endpoint'],
    [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'nonsense' }, 'OTEL_EXPORTER_OTLP_ENDPOINT'],
    [
      { endpoint: base },
      { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' },
      'OTEL_TRACES_SAMPLER_ARG',
    ],
  ])('of %j and %j is refused with its place', (setting, env, at) => {
    expect(() => tracingChoice(setting, env)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', at }),
    );
  });

  it('samples the share that was configured, else that of the environment', () => {
    const env = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' };
    expect(tracingChoice({ endpoint: base }, env)?.ratio).toBe(0.25);
    expect(tracingChoice({ endpoint: base, ratio: 0.5 }, env)?.ratio).toBe(0.5);
    expect(tracingChoice({ endpoint: base }, { OTEL_TRACES_SAMPLER: 'parentbased_always_off' })?.ratio).toBe(
      0,
    );
  });
});

describe('an inference', () => {
  const of = (flags: string) => ({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-${flags}` });

  it('follows its caller where there is one', () => {
    expect(['00', '01', '02', '03', 'ff'].map((flags) => isSampled(of(flags), 0.5, () => 0.9))).toEqual([
      false,
      true,
      false,
      true,
      true,
    ]);
  });

  it('begins a trace as often as the ratio says', () => {
    expect([0, 0.49, 0.5, 0.99].map((drawn) => isSampled(undefined, 0.5, () => drawn))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(isSampled(undefined, 0, () => 0)).toBe(false);
    expect(isSampled(undefined, 1, () => 0.999)).toBe(true);
  });
});
