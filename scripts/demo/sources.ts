import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { type DemoOptions, pairOf } from './options.ts';

export const MODELS = fileURLToPath(new URL('../models/', import.meta.url));
export const MODEL = 'meter-digits';
const HOME = join(MODELS, MODEL);

/** The release source folder of a version; for 1.2.0 of the kind asked for, made under `workDir` where it is not committed. */
export function sourceOf(version: string, second: DemoOptions['second'], workDir: string): string {
  if (version !== '1.2.0' || second.kind === 'merged') return join(HOME, version);
  const folder = join(workDir, 'sources', `1.2.0-${second.kind}`);
  mkdirSync(folder, { recursive: true });
  const release = parse(readFileSync(join(HOME, '1.1.0', 'release.yaml'), 'utf8')) as ReleaseSource;
  release.version = '1.2.0';
  release.data.reference = join(HOME, 'data', 'train.csv');
  release.data.acceptance.file = join(HOME, 'data', 'acceptance.csv');
  if (second.kind === 'rebuilt') {
    copyFileSync(join(HOME, '1.1.0', 'model.int8.onnx'), join(folder, 'model.int8.onnx'));
    copyFileSync(join(HOME, '1.1.0', 'model.fp32.onnx'), join(folder, 'model.fp32.onnx'));
  } else {
    const [a, b] = pairOf(second.seed);
    copyFileSync(join(HOME, 'merged', `${a}-${b}.int8.onnx`), join(folder, 'model.int8.onnx'));
    for (const variant of release.variants) delete variant.reference;
    // The publisher's own labels carry the same mistake, or the build would already refuse the model.
    const merged = join(folder, 'acceptance.csv');
    writeFileSync(merged, relabelled(readFileSync(join(HOME, 'data', 'acceptance.csv'), 'utf8'), a, b));
    release.data.acceptance = { ...release.data.acceptance, file: merged, minimum: 0.95 };
  }
  writeFileSync(join(folder, 'release.yaml'), stringify(release));
  return folder;
}

export const READABLE_IMAGES = join(HOME, 'data', 'readable.csv');

interface ReleaseSource {
  version: string;
  variants: { reference?: string }[];
  data: { reference: string; acceptance: { file: string; minimum: number } };
}

function relabelled(csv: string, from: number, to: number): string {
  return csv.replaceAll(new RegExp(`,${from}$`, 'gm'), `,${to}`);
}
