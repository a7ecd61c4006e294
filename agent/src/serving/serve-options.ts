import { parseArgs } from 'node:util';
import { CodedError } from '@ringfleet/shared/errors';
import type { RunnerSpec } from '../ports/runtime.ts';
import type { BackendChoice } from '../runner/backends/backend.ts';
import { PROVIDERS, providerNamed } from '../runner/providers/registry.ts';
import type { FrontEndOptions } from './start-front-ends.ts';
import type { TracingSetting } from './tracing/tracing-choice.ts';

export const SERVE_USAGE = `usage: ringfleet-agent serve [--http 8000] [--grpc PORT] [--metrics PORT]
                             [--socket PATH] [--grpc-socket PATH] [--json]
                             [--provider NAME] [--threads N] [--library FILE]
                             [--otlp URL] [--otlp-ratio R] PATH…`;

export const SERVE_HELP = `${SERVE_USAGE}

Serves model files over the Open Inference Protocol V2 until it is ended.

  PATH                an .onnx file (named after the file), the folder of a built release (named in its manifest), a folder
                      of either, or a model repository: MODEL/VERSION/model.onnx, of which the highest version is served
  --http PORT         REST on 127.0.0.1; 8000 if not said
  --grpc PORT         gRPC on 127.0.0.1
  --metrics PORT      Prometheus metrics on 127.0.0.1
  --socket PATH       REST on a Unix socket as well
  --grpc-socket PATH  gRPC on a Unix socket
  --provider NAME     what runs the models: ${PROVIDERS.map(({ name }) => name).join(', ')}; cpu, or what the release says, if not said.
                      Nothing else is tried: \`ringfleet-agent providers\` says what works here
  --threads N         threads of one run; 1, or what the release says, if not said
  --library FILE      a libonnxruntime.so to run them with, instead of the one that came along
  --otlp URL          export spans of inferences to the OpenTelemetry collector there, as OTLP over HTTP; if not said,
                      where OTEL_EXPORTER_OTLP_ENDPOINT of the environment says
  --otlp-ratio R      share of the requests that begin a trace, from 0 to 1; 1 if not said
  --json              print where it serves as one line of JSON

A port of 0 takes any free one.`;

export interface ServeOptions {
  readonly paths: readonly string[];
  readonly doors: Pick<FrontEndOptions, 'http' | 'socketPath' | 'grpc' | 'metrics'>;
  readonly isJson: boolean;
  readonly provider: string | undefined;
  readonly threads: number | undefined;
  readonly runtime: BackendChoice | undefined;
  readonly tracing: TracingSetting;
}

/** Reads the command line. Throws USAGE_INVALID. */
export function readServeOptions(argv: readonly string[]): ServeOptions {
  const { values, positionals } = parse(argv);
  if (positionals.length === 0) throw new CodedError('USAGE_INVALID', 'a PATH is missing');
  const { socket, grpc, metrics, provider, threads, library, otlp } = values;
  const ratio = values['otlp-ratio'];
  const grpcSocket = values['grpc-socket'];
  if (provider !== undefined && !providerNamed(provider)) {
    throw new CodedError('USAGE_INVALID', `there is no provider ${provider}`, { at: '--provider' });
  }
  return {
    paths: positionals,
    isJson: values.json,
    provider,
    threads: threads === undefined ? undefined : numberIn('--threads', threads, 1, 64),
    runtime: library === undefined ? undefined : { backend: 'ort-capi', library },
    tracing: {
      ...(otlp === undefined ? {} : { endpoint: otlp }),
      ...(ratio === undefined ? {} : { ratio: fractionOf('--otlp-ratio', ratio) }),
    },
    doors: {
      http: { port: portOf('--http', values.http ?? values.port) },
      ...(socket === undefined ? {} : { socketPath: socket }),
      ...(grpc === undefined && grpcSocket === undefined
        ? {}
        : {
            grpc: {
              port: portOf('--grpc', grpc ?? '0'),
              ...(grpcSocket === undefined ? {} : { socketPath: grpcSocket }),
            },
          }),
      ...(metrics === undefined ? {} : { metrics: { port: portOf('--metrics', metrics) } }),
    },
  };
}

/** The model with what the command line says of how it runs; a provider named there is not replaced by another one. */
export function withRunOptions(
  spec: RunnerSpec,
  { provider, threads }: Pick<ServeOptions, 'provider' | 'threads'>,
): RunnerSpec {
  const { manifest } = spec;
  const made = manifest.variants.find(({ constraints }) => constraints.providers.includes(provider ?? ''));
  const variant = made?.name ?? spec.variant;
  const variants = manifest.variants.map((one) => ({
    ...one,
    ...(provider === undefined ? {} : { constraints: { ...one.constraints, providers: [provider] } }),
    ...(threads === undefined ? {} : { session: { ...one.session, intraOpThreads: threads } }),
  }));
  return { ...spec, variant, manifest: { ...manifest, variants } };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        http: { type: 'string' },
        port: { type: 'string', default: '8000' },
        grpc: { type: 'string' },
        metrics: { type: 'string' },
        socket: { type: 'string' },
        'grpc-socket': { type: 'string' },
        provider: { type: 'string' },
        threads: { type: 'string' },
        library: { type: 'string' },
        otlp: { type: 'string' },
        'otlp-ratio': { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
  } catch (cause) {
    throw new CodedError('USAGE_INVALID', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function fractionOf(at: string, text: string): number {
  const number = Number(text);
  if (text !== '' && number >= 0 && number <= 1) return number;
  throw new CodedError('USAGE_INVALID', `${at} is a number from 0 to 1, not "${text}"`, { at });
}

const portOf = (at: string, text: string): number => numberIn(at, text, 0, 65_535);

function numberIn(at: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (text !== '' && Number.isInteger(number) && number >= min && number <= max) return number;
  throw new CodedError('USAGE_INVALID', `${at} is a number from ${min} to ${max}, not "${text}"`, { at });
}
