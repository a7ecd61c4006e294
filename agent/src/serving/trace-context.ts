/** W3C trace context of a request, passed through: into the log and back to the caller. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** The specification asks for 512 at least; printable ASCII only, so that it can be a header again. */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/** Undefined where there is none, or none that is well formed: a broken one is dropped, as the specification says. */
export function traceContextOf(header: (name: string) => unknown): TraceContext | undefined {
  const traceparent = header('traceparent');
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return undefined;
  const tracestate = header('tracestate');
  return typeof tracestate === 'string' && TRACESTATE.test(tracestate)
    ? { traceparent, tracestate }
    : { traceparent };
}
