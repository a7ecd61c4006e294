import { DURATION_BOUNDS_US, type DurationHistogram } from './histogram.ts';

export type Labels = Readonly<Record<string, string>>;
export type MetricType = 'counter' | 'gauge' | 'histogram';

/** Writes Prometheus' text format 0.0.4: each family once, its samples together. */
export class Exposition {
  readonly #lines: string[] = [];

  family(
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    samples: readonly (readonly [Labels, number])[],
  ): void {
    if (samples.length === 0) return;
    this.#head(name, type, help);
    for (const [labels, value] of samples) this.#sample(name, labels, value);
  }

  /** Durations in seconds, from histograms that count microseconds. */
  durations(name: string, help: string, samples: readonly (readonly [Labels, DurationHistogram])[]): void {
    if (samples.length === 0) return;
    this.#head(name, 'histogram', help);
    for (const [labels, histogram] of samples) {
      let below = 0;
      for (const [i, bound] of DURATION_BOUNDS_US.entries()) {
        below += histogram.buckets[i] as number;
        this.#sample(`${name}_bucket`, { ...labels, le: String(bound / 1e6) }, below);
      }
      this.#sample(`${name}_bucket`, { ...labels, le: '+Inf' }, histogram.count);
      this.#sample(`${name}_sum`, labels, histogram.sumUs / 1e6);
      this.#sample(`${name}_count`, labels, histogram.count);
    }
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  #head(name: string, type: MetricType, help: string): void {
    this.#lines.push(`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`);
  }

  #sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(
      ([key, text]) => `${key}="${escaped(text).replaceAll('"', '\\"')}"`,
    );
    this.#lines.push(`${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`);
  }
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
