import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { MODEL, MODELS } from '../../demo/sources.ts';

/** Of the release that the source makes. */
export const BUSY_VERSION = '1.0.1';

const MODEL_FILE = fileURLToPath(new URL('model.onnx', import.meta.url));

interface Source {
  version: string;
  variants: { file: string; reference?: string }[];
  data: { reference: string; acceptance: { file: string } };
}

/** A release source below `workDir`: the example model, slow enough that a few clients keep a core busy with it. */
export function busySource(workDir: string): string {
  const folder = join(workDir, 'busy');
  mkdirSync(folder, { recursive: true });
  const home = join(MODELS, MODEL);
  const source = parse(readFileSync(join(home, '1.0.0', 'release.yaml'), 'utf8')) as Source;
  source.version = BUSY_VERSION;
  for (const variant of source.variants) {
    variant.file = 'model.onnx';
    delete variant.reference;
  }
  source.data.reference = join(home, 'data', 'train.csv');
  source.data.acceptance.file = join(home, 'data', 'acceptance.csv');
  copyFileSync(MODEL_FILE, join(folder, 'model.onnx'));
  writeFileSync(join(folder, 'release.yaml'), stringify(source));
  return folder;
}
