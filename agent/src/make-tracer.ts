import type { Logger } from 'pino';
import { OtlpExporter } from './adapters/otlp-exporter.ts';
import { Tracer } from './serving/tracing/tracer.ts';
import { type TracingSetting, tracingChoice } from './serving/tracing/tracing-choice.ts';

export interface MakeTracerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** What OpenTelemetry calls them. */
  readonly resource?: Readonly<Record<string, string>>;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  readonly nowMs?: () => number;
}

/** Undefined where nobody named a collector: then nothing of OpenTelemetry is loaded. Throws CONFIG_INVALID. */
export function makeTracer(setting: TracingSetting, options: MakeTracerOptions): Tracer | undefined {
  const choice = tracingChoice(setting, options.env);
  if (!choice) return undefined;
  const { version, resource, log, nowMs } = options;
  const exporter = new OtlpExporter({
    url: choice.url,
    resource: { 'service.name': 'ringfleet-agent', 'service.version': version, ...resource },
  });
  return new Tracer({ exporter, ratio: choice.ratio, log, ...(nowMs ? { nowMs } : {}) });
}
