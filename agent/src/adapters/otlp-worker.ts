import { parentPort, workerData } from 'node:worker_threads';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { AlwaysOnSampler, type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import type { InferenceRecord } from '../ports/span-exporter.ts';
import { writeSpans } from './inference-spans.ts';

export interface OtlpSetup {
  /** Where spans are posted to. */
  readonly url: string;
  /** Who the spans are of. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES stand before it. */
  readonly resource: Readonly<Record<string, string>>;
}

export interface OtlpReply {
  /** Why the collector has not taken the batch; absent when it has. */
  readonly error?: string;
}

/** The thread's program: batches of inferences in, spans to the collector, one reply for each batch. */
const { url, resource } = workerData as OtlpSetup;
const ended: ReadableSpan[] = [];
const provider = new TracerProvider({
  resource: defaultResource()
    .merge(resourceFromAttributes(resource))
    .merge(detectResources({ detectors: [envDetector] })),
  // What comes here was sampled already.
  sampler: new AlwaysOnSampler(),
  spanProcessors: [
    {
      onStart: () => undefined,
      onEnd: (span) => void ended.push(span),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    },
  ],
});
const tracer = provider.getTracer('ringfleet-agent', resource['service.version']);
// Headers, timeout, compression and certificates are the library's to read from OTEL_EXPORTER_OTLP_*.
const exporter = new OTLPTraceExporter({ url, concurrencyLimit: 1 });

parentPort?.on('message', (batch: readonly InferenceRecord[]) => {
  for (const record of batch) writeSpans(tracer, record);
  exporter.export(ended.splice(0), ({ code, error }) => {
    const reply: OtlpReply = code === 0 ? {} : { error: error?.message || 'not taken' };
    parentPort?.postMessage(reply);
  });
});
