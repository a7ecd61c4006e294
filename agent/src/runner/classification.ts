import type { Manifest } from '@ringfleet/shared/release';
import { numbersOf, packStrings, type Tensor } from '@ringfleet/shared/v2';

/** V2's classification extension: per row the best `count` classes as `score:index` or `score:index:label`. */
export function classified(scores: Tensor, count: number, labels: Manifest['labels']): Tensor {
  const classes = scores.shape.at(-1) ?? 1;
  const values = numbersOf(scores);
  const names = labels?.output === scores.name ? labels.names : [];
  const best = Math.min(count, classes);
  const items: string[] = [];
  for (let start = 0; start + classes <= values.length && classes > 0; start += classes) {
    const ranked = Array.from({ length: classes }, (_, i) => i).sort(
      (a, b) => (values[start + b] as number) - (values[start + a] as number),
    );
    for (const i of ranked.slice(0, best)) {
      items.push([values[start + i], i, ...(names[i] === undefined ? [] : [names[i]])].join(':'));
    }
  }
  return {
    name: scores.name,
    datatype: 'BYTES',
    shape: [...scores.shape.slice(0, -1), best],
    data: packStrings(items),
  };
}
