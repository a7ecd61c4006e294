import type { TraceContext } from '../trace-context.ts';

/** The caller's decision where there is a caller's trace, else a share of all: OpenTelemetry's `parentbased_traceidratio`. */
export function isSampled(trace: TraceContext | undefined, ratio: number, random: () => number): boolean {
  if (trace) return (Number.parseInt(trace.traceparent.slice(-2), 16) & 1) === 1;
  return random() < ratio;
}
