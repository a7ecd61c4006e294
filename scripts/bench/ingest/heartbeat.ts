import { LATENCY_BOUNDS_US, type Telemetry } from '@ringfleet/shared/protocol';

export const MODEL = 'bench';
export const VERSION = '1.0.0';
/** As DESIGN counts them: a report of 20 features. */
const FEATURES = 20;
const BINS = 11;
const CLASSES = 10;
const ROWS = 300;

const name = (i: number): string => `feature-${i}`;

/** Bytes of a manifest that counts what the heartbeats below count. It names a model that nobody ever loads. */
export function benchManifest(sha256: string): Buffer {
  const edges = Array.from({ length: BINS - 1 }, (_, i) => i - 5);
  const moments = { mean: 0, standardDeviation: 1, min: -9, max: 9 };
  const profile = (of: string, bins: number) => ({
    name: of,
    edges: edges.slice(0, bins - 1),
    counts: Array<number>(bins).fill(500),
    ...moments,
  });
  const tensor = (of: string) => ({ name: of, datatype: 'FP32', axes: [{ min: 1, max: FEATURES }] });
  return Buffer.from(
    JSON.stringify({
      schema: 'ringfleet/manifest/1',
      model: MODEL,
      version: VERSION,
      createdAt: '2026-01-01T00:00:00.000Z',
      description: '',
      license: '',
      files: [{ path: 'model.onnx', sizeBytes: 1, sha256 }],
      variants: [{ name: 'cpu', entry: 'model.onnx', files: ['model.onnx'], constraints: {}, session: {} }],
      inputs: [tensor('x')],
      outputs: [tensor('y')],
      pre: [],
      post: [],
      labels: { output: 'y', names: Array.from({ length: CLASSES }, (_, i) => `class-${i}`) },
      features: Array.from({ length: FEATURES }, (_, i) => ({
        name: name(i),
        input: 'x',
        kind: 'numeric',
        index: i,
      })),
      profile: {
        samples: 500 * BINS,
        features: Array.from({ length: FEATURES }, (_, i) => profile(name(i), BINS)),
        confidence: profile('confidence', BINS),
      },
      conformance: { path: 'conformance', count: 1, tolerances: { absolute: 0, relative: 0 } },
      limits: { memoryBytes: 1_000_000, loadMs: 1_000, inferMs: 1_000 },
      lineage: {},
    }),
  );
}

/** Five minutes of a device that answers once a second; no two are alike. */
export function heartbeat(digest: string, fromMs: number, turn: number): Telemetry {
  const spread = (bins: number, rows: number, salt: number): number[] => {
    const counts = Array<number>(bins).fill(0);
    for (let i = 0; i < rows; i++) {
      const bin = (i * 7 + salt * 13 + ((i * salt) % 5)) % bins;
      counts[bin] = (counts[bin] as number) + 1;
    }
    return counts;
  };
  const drift = (of: string, i: number) => ({
    ...{ name: of, value: ((turn + i) % 97) / 1e4, samples: 4_096 },
    ...{ g: 10 + (i % 7), js: 0.05, ks: 0.02 },
  });
  return {
    from: fromMs,
    to: fromMs + 300_000,
    device: {
      uptimeMs: 1e6 + turn,
      rssBytes: 8e7 + turn,
      cpuMs: turn,
      memoryFreeBytes: 1e9,
      diskFreeBytes: 1e10,
      load1: 0.5,
    },
    outbox: { rows: 0, bytes: 0, dropped: 0 },
    models: [
      {
        model: MODEL,
        phase: 'idle',
        running: { version: VERSION, digest, variant: 'cpu' },
        isCommitted: true,
        ...{ answers: ROWS, failures: 0, rejected: 0, fallbacks: 0, runnerRestarts: 0 },
        latencyUs: spread(LATENCY_BOUNDS_US.length + 1, ROWS, turn),
        features: Array.from({ length: FEATURES }, (_, i) => ({
          ...{ name: name(i), bins: spread(BINS, ROWS, turn + i) },
          ...{ missing: 0, nonFinite: 0, outOfRange: 0 },
        })),
        psi: Array.from({ length: FEATURES }, (_, i) => drift(name(i), i)),
        classes: spread(CLASSES, ROWS, turn),
        confidence: spread(BINS, ROWS, turn),
      },
    ],
  };
}
