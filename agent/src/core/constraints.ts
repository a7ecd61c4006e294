import { filesOfVariants, type Manifest } from '@ringfleet/shared/release';
import { satisfies, validRange } from 'semver';
import { providerPlan } from './provider-choice.ts';

/** What the check knows of this device. */
export interface DeviceFacts {
  readonly arch: string;
  readonly os: string;
  /** Names of the providers whose probe said ok. */
  readonly providers: readonly string[];
  /** Version of ONNX Runtime. */
  readonly runtime: string;
  readonly memoryBytes: number;
  readonly diskFreeBytes: number;
  readonly diskReserveBytes: number;
}

type Variant = Manifest['variants'][number];

export type ConstraintResult =
  | { readonly ok: true; readonly variant: string }
  | { readonly ok: false; readonly code: 'NO_VARIANT_FITS' | 'DISK_SPACE_LOW'; readonly sentence: string };

/** Picks the first eligible variant that fits the device, in the assignment's order, and asks for room to install it. */
export function checkConstraints(
  manifest: Manifest,
  eligible: readonly string[],
  facts: DeviceFacts,
): ConstraintResult {
  const reasons: string[] = [];
  for (const name of eligible) {
    const variant = manifest.variants.find((one) => one.name === name);
    const reason = variant ? misfit(variant, facts) : 'is not in the manifest';
    if (variant && !reason) return checkDisk(manifest, variant, facts);
    reasons.push(`${name} ${reason}`);
  }
  const sentence = reasons.length > 0 ? reasons.join('; ') : 'the assignment names no variant';
  return { ok: false, code: 'NO_VARIANT_FITS', sentence: sentence.slice(0, 1000) };
}

/** The files a device needs for one variant: its own, and all that belong to no variant (samples, profile). */
export const filesOf = (manifest: Manifest, variant: string): Manifest['files'] =>
  filesOfVariants(manifest, [variant]);

function misfit(variant: Variant, facts: DeviceFacts): string | null {
  const { arch, os, runtime, memoryBytes } = variant.constraints;
  if (arch && !arch.includes(facts.arch)) return `needs ${arch.join(' or ')}, this device is ${facts.arch}`;
  if (os && !os.includes(facts.os)) return `needs ${os.join(' or ')}, this device runs ${facts.os}`;
  const { candidates } = providerPlan(variant);
  if (!candidates.some((name) => facts.providers.includes(name))) {
    return `needs provider ${candidates.join(' or ')}, here is ${facts.providers.join(', ') || 'none'}`;
  }
  if (runtime !== undefined) {
    // A range nobody can read must not pass: fail closed.
    if (validRange(runtime) === null) return `has the unreadable runtime range ${runtime}`;
    if (!satisfies(facts.runtime, runtime, { includePrerelease: true })) {
      return `needs ONNX Runtime ${runtime}, here is ${facts.runtime}`;
    }
  }
  if (memoryBytes !== undefined && memoryBytes > facts.memoryBytes) {
    return `needs ${memoryBytes} bytes of memory, here are ${facts.memoryBytes}`;
  }
  return null;
}

/** Twice the size: the partial download and its verified copy may both be there for a moment. */
function checkDisk(manifest: Manifest, variant: Variant, facts: DeviceFacts): ConstraintResult {
  const sizeBytes = filesOf(manifest, variant.name).reduce((total, file) => total + file.sizeBytes, 0);
  const needed = 2 * sizeBytes + facts.diskReserveBytes;
  if (facts.diskFreeBytes >= needed) return { ok: true, variant: variant.name };
  const sentence = `needs ${needed} bytes free (2 × ${sizeBytes} + reserve), here are ${facts.diskFreeBytes}`;
  return { ok: false, code: 'DISK_SPACE_LOW', sentence };
}
