import type { Backend, BackendChoice } from './backend.ts';
import { openOrtCapi } from './ort-capi.ts';
import { openOrtNode } from './ort-node.ts';

export const DEFAULT_BACKEND: BackendChoice = { backend: 'ort-node' };

/** Loads the library that is asked for, and only that one. Throws RUNTIME_LIBRARY_UNUSABLE. */
export function openBackend(choice: BackendChoice = DEFAULT_BACKEND): Promise<Backend> {
  return choice.backend === 'ort-capi' ? openOrtCapi(choice.library ?? '') : openOrtNode();
}
