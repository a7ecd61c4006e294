import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { RunnerSpec } from '../ports/runtime.ts';
import type { ModelSignature } from '../runner/messages.ts';
import { bareModel, localModel, nameOf } from './local-model.ts';

const MAX_MODELS = 64;
/** Triton's name for the model file of a version. */
const MODEL_FILE = 'model.onnx';

type ReadSignature = (file: string) => Promise<ModelSignature>;

/**
 * What to serve for a path a person names: an .onnx file, a built release, a folder of either, or a model repository as
 * Triton has it (`MODEL/VERSION/model.onnx`), of which the highest version is served. Throws MODEL_PATH_UNUSABLE.
 */
export async function localModels(path: string, readSignature: ReadSignature): Promise<RunnerSpec[]> {
  const names = await namesIn(path);
  if (!names || names.includes('manifest.json')) return [await localModel(path, readSignature)];
  const own = await newestVersion(path);
  const specs = own ? [await versioned(path, own, readSignature)] : [];
  for (const name of own ? [] : names.toSorted()) {
    const inside = join(path, name);
    const version = await newestVersion(inside);
    if (version !== undefined) specs.push(await versioned(inside, version, readSignature));
    else if (name.endsWith('.onnx') || (await namesIn(inside))?.includes('manifest.json')) {
      specs.push(await localModel(inside, readSignature));
    }
    if (specs.length > MAX_MODELS) break;
  }
  if (specs.length > 0 && specs.length <= MAX_MODELS) return specs;
  const what =
    specs.length === 0
      ? 'no .onnx file, no MODEL/VERSION/model.onnx and no manifest.json'
      : `more than ${MAX_MODELS} models`;
  throw new CodedError('MODEL_PATH_UNUSABLE', `${path} holds ${what}`, { at: path });
}

async function versioned(folder: string, version: string, readSignature: ReadSignature): Promise<RunnerSpec> {
  const file = resolve(folder, version, MODEL_FILE);
  const { size: sizeBytes } = await stat(file);
  const model = nameOf(basename(resolve(folder)));
  return bareModel({ file, model, version, sizeBytes }, await readSignature(file));
}

/** The highest number among the folders that hold a model file. */
async function newestVersion(folder: string): Promise<string | undefined> {
  const numbers = ((await namesIn(folder)) ?? []).filter((name) => /^[1-9]\d{0,14}$/.test(name));
  for (const version of numbers.toSorted((a, b) => Number(b) - Number(a))) {
    if ((await namesIn(join(folder, version)))?.includes(MODEL_FILE)) return version;
  }
  return undefined;
}

/** Undefined for what is no folder. */
async function namesIn(path: string): Promise<string[] | undefined> {
  return readdir(path).catch(() => undefined);
}
