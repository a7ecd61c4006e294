import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

/** A source folder for tests: a tiny model whose class is the place of the largest of three features. */
export const SOURCE = {
  model: 'tiny',
  version: '1.0.0',
  description: 'Picks the largest.',
  license: 'Apache-2.0',
  variants: [{ name: 'int8-cpu', file: 'model.onnx', reference: 'reference.onnx', providers: ['cpu'] }],
  labels: { output: 'probabilities', names: ['first', 'second', 'third'] },
  data: {
    inputs: { features: ['a', 'b', 'c', 'd'] },
    label: 'label',
    reference: '../data/train.csv',
    acceptance: { file: '../data/acceptance.csv', metric: 'accuracy', minimum: 0.9 },
  },
  features: [{ name: 'a', input: 'features', kind: 'numeric', index: 0 }],
  limits: { inferMs: 200, loadMs: 10_000, memoryBytes: 100_000_000, maxBatch: 8 },
  lineage: { trainedWith: 'by hand' },
};

export type SourceFiles = { readonly model?: string; readonly reference?: string };

/** Writes a source folder below `root` and returns its path. `change` edits a copy of `SOURCE`. */
export async function writeSource(
  root: string,
  change: (source: typeof SOURCE) => void = () => {},
  files: SourceFiles = {},
): Promise<string> {
  const source = structuredClone(SOURCE);
  change(source);
  const folder = join(root, 'source');
  await mkdir(join(root, 'data'), { recursive: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'release.yaml'), stringify(source));
  await copyFile(fixture(files.model ?? 'tiny.onnx'), join(folder, 'model.onnx'));
  await copyFile(fixture(files.reference ?? 'tiny.onnx'), join(folder, 'reference.onnx'));
  await writeFile(join(dirname(folder), 'data', 'train.csv'), csv(60));
  await writeFile(join(dirname(folder), 'data', 'acceptance.csv'), csv(30));
  return folder;
}

/** Rows that alternate between the three classes. */
function csv(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const values = [1 + (i % 7) / 10, 1 + (i % 5) / 10, 1 + (i % 3) / 10];
    values[i % 3] = 3;
    return [...values, i, SOURCE.labels.names[i % 3], `00${i}`].join(',');
  });
  return `a,b,c,d,label,serial\n${lines.join('\n')}\n`;
}

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../test/fixtures/${name}`, import.meta.url));
