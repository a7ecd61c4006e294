/** One value that is not what its feature may be; `row` is the sample in the request, from 0. */
export interface DegradedValue {
  readonly feature: string;
  readonly reason: string;
  readonly row: number;
}

/** The response parameter, and the header with `ringfleet-` in front. */
export const DEGRADED = 'degraded';

/** Headers have little room. */
const MAX_BYTES = 2_000;

/**
 * The values of an answered request that broke their feature's schema, as a list of RFC 9651:
 * `"speed";reason=outOfRange;row=0`. What does not fit into 2 KB becomes a last `more;count=n`.
 */
export function writeDegraded(values: readonly DegradedValue[]): string {
  const items: string[] = [];
  let bytes = 0;
  for (const [i, { feature, reason, row }] of values.entries()) {
    const item = `"${escaped(feature)}";reason=${reason};row=${row}`;
    bytes += item.length + 2;
    if (bytes > MAX_BYTES) return [...items, `more;count=${values.length - i}`].join(', ');
    items.push(item);
  }
  return items.join(', ');
}

/** Reads what `writeDegraded` wrote; what is not of its form is left out. */
export function readDegraded(text: string): { values: DegradedValue[]; isComplete: boolean } {
  const found = text.matchAll(/"((?:[^"\\]|\\.)*)";reason=(\w+);row=(\d+)/g);
  const values = [...found].map(([, feature = '', reason = '', row]) => ({
    feature: decodeURIComponent(feature.replaceAll(/\\(.)/g, '$1')),
    reason,
    row: Number(row),
  }));
  return { values, isComplete: !/(^|, )more;count=\d+$/.test(text) };
}

/** A header holds printable ASCII; the rest, and `%`, is percent-encoded. */
const escaped = (name: string): string =>
  name
    .toWellFormed()
    .replaceAll(/[^ -$&-~]/gu, (char) => encodeURIComponent(char))
    .replaceAll(/["\\]/g, '\\$&');
