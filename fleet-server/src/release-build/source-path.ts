import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { messageOf } from './source-error.ts';

/**
 * The real path of a model file, which must lie in the source folder: links out of it are refused too, as ONNX Runtime
 * would on the device. Throws RELEASE_SOURCE_INVALID naming the field.
 */
export async function modelFile(folder: string, path: string, field: string): Promise<string> {
  const root = await realpath(folder);
  const file = await existing(root, path, field);
  const inside = relative(root, file);
  if (isAbsolute(path) || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new CodedError('RELEASE_SOURCE_INVALID', `${field}: ${path} is outside of the release folder`, {
      at: field,
    });
  }
  return file;
}

/** The real path of a data file; it may lie beside the folder, where several releases share it. */
export async function dataFile(folder: string, path: string, field: string): Promise<string> {
  return await existing(folder, path, field);
}

async function existing(folder: string, path: string, field: string): Promise<string> {
  try {
    const file = await realpath(resolve(folder, path));
    if ((await stat(file)).isFile()) return file;
  } catch (cause) {
    throw new CodedError('RELEASE_SOURCE_INVALID', `${field}: ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      at: field,
    });
  }
  throw new CodedError('RELEASE_SOURCE_INVALID', `${field}: ${path} is not a file`, { at: field });
}
