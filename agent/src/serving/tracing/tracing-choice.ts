import { CodedError } from '@ringfleet/shared/errors';

export interface TracingSetting {
  /** Base address of a collector that speaks OTLP over HTTP. */
  readonly endpoint?: string;
  /** Share of the inferences that begin a trace. */
  readonly ratio?: number;
}

export interface TracingChoice {
  /** Where spans are posted to. */
  readonly url: string;
  readonly ratio: number;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Whether and where spans are exported: what was configured, else OpenTelemetry's own variables; undefined where neither
 * names a collector. Throws CONFIG_INVALID.
 */
export function tracingChoice(setting: TracingSetting, env: Env): TracingChoice | undefined {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined;
  const url = urlOf(setting, env);
  return url === undefined ? undefined : { url, ratio: setting.ratio ?? ratioOf(env) };
}

function urlOf({ endpoint }: TracingSetting, env: Env): string | undefined {
  if (endpoint !== undefined) return underTraces(readUrl(endpoint, '/tracing/endpoint'));
  const whole = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  if (whole) return readUrl(whole, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT').href;
  const base = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return base ? underTraces(readUrl(base, 'OTEL_EXPORTER_OTLP_ENDPOINT')) : undefined;
}

function readUrl(text: string, at: string): URL {
  const url = URL.parse(text);
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  // The text may hold a password.
  throw new CodedError('CONFIG_INVALID', 'a collector is written http://host:port or https://host:port', {
    at,
  });
}

function underTraces(url: URL): string {
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  url.pathname += 'v1/traces';
  return url.href;
}

/** Of OpenTelemetry's samplers those that follow the caller; all others sample as if none was named. */
function ratioOf(env: Env): number {
  switch (env['OTEL_TRACES_SAMPLER']) {
    case 'parentbased_always_off':
      return 0;
    case 'parentbased_traceidratio': {
      const text = env['OTEL_TRACES_SAMPLER_ARG'] ?? '1';
      const ratio = Number(text);
      if (text !== '' && ratio >= 0 && ratio <= 1) return ratio;
      throw new CodedError('CONFIG_INVALID', `a ratio is a number from 0 to 1, not "${text}"`, {
        at: 'OTEL_TRACES_SAMPLER_ARG',
      });
    }
    default:
      return 1;
  }
}
