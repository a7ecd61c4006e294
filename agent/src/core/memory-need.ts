import type { Manifest } from '@ringfleet/shared/release';
import { filesOf } from './constraints.ts';

const MIB = 1024 ** 2;
/** Of a runner with a small model: Node and ONNX Runtime. */
const BASE_BYTES = 96 * MIB;
/** Weights as they are in the file, as the library lays them out, and the tensors between. */
const TIMES_FILES = 3;
/** What the system and everything else on the device keeps. */
const KEPT_FREE_BYTES = 64 * MIB;

/** What a runner of this variant takes, as far as that can be said before it ran; never more than its limit. */
export function memoryNeed(manifest: Manifest, variant: string): number {
  const fileBytes = filesOf(manifest, variant).reduce((total, file) => total + file.sizeBytes, 0);
  return Math.min(manifest.limits.memoryBytes, BASE_BYTES + TIMES_FILES * fileBytes);
}

/** Whether a runner that needs so much may be started beside what runs already. */
export const fitsBeside = (needBytes: number, freeBytes: number): boolean =>
  freeBytes - KEPT_FREE_BYTES >= needBytes;
