/** A strict reader of Prometheus' text format: it throws on what a scrape would refuse or `promtool` would blame. */
export interface ParsedMetrics {
  /** The sample with exactly these labels; throws when there is none. */
  value(name: string, labels: Readonly<Record<string, string>>): number;
  labelSets(name: string): readonly Readonly<Record<string, string>>[];
}

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,(?=.)|$)/;

export function parseExposition(text: string): ParsedMetrics {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const samples: Sample[] = [];
  const families = new Map<string, string>();
  let family = '';
  let helped = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment) {
      const [, kind, name = '', rest = ''] = comment;
      if (!NAME.test(name)) throw new Error(`bad name ${name}`);
      if (kind === 'HELP') helped = name;
      else {
        if (helped !== name) throw new Error(`${name} has no HELP before its TYPE`);
        if (families.has(name)) throw new Error(`${name} stands in two places`);
        if (!['counter', 'gauge', 'histogram'].includes(rest)) throw new Error(`bad type ${rest}`);
        families.set(name, rest);
        family = name;
      }
      continue;
    }
    const sample = sampleOf(line);
    const base =
      families.get(family) === 'histogram' ? sample.name.replace(/_(bucket|sum|count)$/, '') : sample.name;
    if (base !== family) throw new Error(`${sample.name} stands in the family ${family}`);
    if (samples.some((one) => one.name === sample.name && keyOf(one.labels) === keyOf(sample.labels))) {
      throw new Error(`${line} is there twice`);
    }
    if (families.get(family) !== 'gauge' && !(sample.value >= 0)) throw new Error(`${line} counts backwards`);
    samples.push(sample);
  }
  for (const [name, type] of families) if (type === 'histogram') checkHistogram(name, samples);
  return {
    value: (name, labels) => {
      const found = samples.find((one) => one.name === name && keyOf(one.labels) === keyOf(labels));
      if (!found) throw new Error(`no sample ${name} ${keyOf(labels)}`);
      return found.value;
    },
    labelSets: (name) => samples.filter((one) => one.name === name).map(({ labels }) => labels),
  };
}

function sampleOf(line: string): Sample {
  const match = SAMPLE.exec(line);
  if (!match) throw new Error(`not a sample: ${line}`);
  const [, name = '', inner = '', number = ''] = match;
  const labels: Record<string, string> = {};
  for (let rest = inner; rest !== ''; ) {
    const label = LABEL.exec(rest);
    if (!label) throw new Error(`bad labels: ${line}`);
    const [whole, key = '', text = ''] = label;
    if (key in labels) throw new Error(`label ${key} is there twice: ${line}`);
    labels[key] = text.replace(/\\(.)/g, (_all, one: string) => (one === 'n' ? '\n' : one));
    rest = rest.slice(whole.length);
  }
  const value = Number(number);
  if (number === '' || Number.isNaN(value)) throw new Error(`not a number: ${line}`);
  return { name, labels, value };
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const sets = samples.filter((one) => one.name === `${name}_count`);
  if (sets.length === 0) throw new Error(`${name} has no count`);
  for (const { labels, value } of sets) {
    const buckets = samples.filter(
      (one) =>
        one.name === `${name}_bucket` && keyOf({ ...one.labels, le: '' }) === keyOf({ ...labels, le: '' }),
    );
    const bounds = buckets.map((one) => Number(one.labels['le']?.replace('+Inf', 'Infinity')));
    const isRising = (list: readonly number[], strictly: boolean): boolean =>
      list.every((one, i) => i === 0 || (strictly ? one > (list[i - 1] ?? 0) : one >= (list[i - 1] ?? 0)));
    if (!isRising(bounds, true) || bounds.at(-1) !== Number.POSITIVE_INFINITY)
      throw new Error(`${name}: bounds`);
    if (
      !isRising(
        buckets.map((one) => one.value),
        false,
      )
    )
      throw new Error(`${name}: buckets do not add up`);
    if (buckets.at(-1)?.value !== value) throw new Error(`${name}: +Inf is not the count`);
    if (!samples.some((one) => one.name === `${name}_sum` && keyOf(one.labels) === keyOf(labels))) {
      throw new Error(`${name} has no sum`);
    }
  }
}

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
