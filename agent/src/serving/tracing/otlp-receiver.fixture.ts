import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 2 is an error. */
  readonly status: number;
}

export interface OtlpReceiver {
  readonly url: string;
  /** Bodies that arrived, as text. */
  readonly bodies: readonly string[];
  readonly spans: readonly SeenSpan[];
  readonly resource: Readonly<Record<string, unknown>>;
  /** What it does with the next requests; at first `take`. */
  mode: 'take' | 'hang' | 'refuse';
  /** Resolves as soon as the condition holds after a request; rejects when it has not within 20 s. */
  until(condition: () => boolean): Promise<void>;
  stop(): Promise<void>;
}

/** A collector of traces: OTLP over HTTP in JSON, which it reads without any of the library that wrote it. */
export async function otlpReceiver(): Promise<OtlpReceiver> {
  const bodies: string[] = [];
  const looks = new Set<() => void>();
  const server = createServer((req, res) => {
    let text = '';
    req.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    req.on('end', () => {
      bodies.push(req.method === 'POST' && req.url === '/v1/traces' ? text : `not for here: ${req.url}`);
      if (receiver.mode === 'take') res.setHeader('content-type', 'application/json').end('{}');
      else if (receiver.mode === 'refuse') res.writeHead(403).end();
      for (const look of looks) look();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    mode: 'take',
    get spans() {
      return bodies.flatMap((body) => resourceSpansOf(body).flatMap(spansOf));
    },
    get resource() {
      return attributesOf(resourceSpansOf(bodies[0] ?? '{}')[0]?.resource.attributes ?? []);
    },
    until: (condition) =>
      new Promise((resolve, reject) => {
        const settle = (): void => {
          clearTimeout(timer);
          looks.delete(look);
        };
        const timer = setTimeout(() => {
          settle();
          reject(new Error(`not seen, but ${bodies.length} bodies: ${bodies.join('\n').slice(0, 2_000)}`));
        }, 20_000);
        const look = (): void => {
          if (!condition()) return;
          settle();
          resolve();
        };
        looks.add(look);
        look();
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface ResourceSpans {
  readonly resource: { readonly attributes: readonly Attribute[] };
  readonly scopeSpans: readonly {
    readonly spans: readonly (Omit<SeenSpan, 'attributes' | 'status'> & {
      readonly startTimeUnixNano: string;
      readonly endTimeUnixNano: string;
      readonly attributes: readonly Attribute[];
      readonly status: { readonly code?: number };
    })[];
  }[];
}

const resourceSpansOf = (body: string): readonly ResourceSpans[] =>
  (JSON.parse(body) as { resourceSpans?: readonly ResourceSpans[] }).resourceSpans ?? [];

const spansOf = ({ scopeSpans }: ResourceSpans): SeenSpan[] =>
  scopeSpans.flatMap(({ spans }) =>
    spans.map(({ startTimeUnixNano, endTimeUnixNano, attributes, status, ...span }) => ({
      ...span,
      startNs: BigInt(startTimeUnixNano),
      endNs: BigInt(endTimeUnixNano),
      attributes: attributesOf(attributes),
      status: status.code ?? 0,
    })),
  );

const attributesOf = (list: readonly Attribute[]): Record<string, unknown> =>
  Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]));
