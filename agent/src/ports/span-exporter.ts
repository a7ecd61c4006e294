/** What became of an inference, in the words of the metrics (docs/metrics.md). */
export type InferenceOutcome = 'SUCCESS' | 'REJECTED' | 'CANCELED' | 'INVALID' | 'BACKEND' | 'OTHER';

/** One inference as its spans are made of it: names, times and codes, never what was asked or answered. */
export interface InferenceRecord {
  readonly door: 'http' | 'grpc';
  /** The caller's W3C trace context; absent: a trace begins here. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  readonly userAgent?: string | undefined;
  /** As asked for; absent where the request was refused before that was read. */
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  /** Epoch ms; everything below is microseconds since. */
  readonly startMs: number;
  /** The router had an answer. */
  readonly answeredUs?: number | undefined;
  readonly endUs: number;
  readonly answer?: InferenceAnswer | undefined;
  /** HTTP's number or gRPC's name; absent when nobody was there to hear it. */
  readonly status?: number | string | undefined;
  readonly outcome: InferenceOutcome;
  /** A code of the catalogue, for what is no success. */
  readonly code?: string | undefined;
}

/** Who answered, and where its time went (see InferReply). */
export interface InferenceAnswer {
  readonly release: string;
  readonly provider: string;
  readonly fallback?: string | undefined;
  readonly queueUs?: number | undefined;
  readonly runnerUs?: number | undefined;
  readonly inputUs?: number | undefined;
  readonly computeUs?: number | undefined;
  readonly outputUs?: number | undefined;
}

/** The way to a collector of traces. Nothing of it happens in the caller's thread. */
export interface SpanExporter {
  /** Resolves when the collector has taken all of them; one batch at a time. Rejects with TRACES_NOT_TAKEN. */
  export(batch: readonly InferenceRecord[]): Promise<void>;
  /** Ends at once; what is under way rejects. Idempotent. */
  stop(): Promise<void>;
}
