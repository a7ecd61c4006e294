import { filesOfVariants, type Manifest } from '@ringfleet/shared/release';
import { lt, satisfies, validRange } from 'semver';
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

/** Why a release cannot run here. NO_VARIANT_FITS when its variants fail for different reasons. */
export type ConstraintCode =
  | 'ARCH_UNSUPPORTED'
  | 'OS_UNSUPPORTED'
  | 'PROVIDER_UNSUPPORTED'
  | 'RUNTIME_UNSUPPORTED'
  | 'MEMORY_TOO_SMALL'
  | 'NO_VARIANT_FITS'
  | 'MINIMUM_FROM_UNMET'
  | 'DISK_SPACE_LOW';

export type ConstraintResult =
  | { readonly ok: true; readonly variant: string }
  | { readonly ok: false; readonly code: ConstraintCode; readonly sentence: string };

interface Misfit {
  readonly code: ConstraintCode;
  readonly reason: string;
}

/**
 * Picks the first eligible variant that fits the device, in the assignment's order, and asks for room to install it.
 * `committed` is the version that is proven here, or null: a release may ask for a least one to come from.
 */
export function checkConstraints(
  manifest: Manifest,
  eligible: readonly string[],
  facts: DeviceFacts,
  committed: string | null = null,
): ConstraintResult {
  const { minimumFrom, version } = manifest;
  if (minimumFrom !== undefined && committed !== null && lt(committed, minimumFrom)) {
    const sentence = `${version} can follow ${minimumFrom} or newer, here is ${committed}`;
    return { ok: false, code: 'MINIMUM_FROM_UNMET', sentence };
  }
  const misfits: (Misfit & { readonly name: string })[] = [];
  for (const name of eligible) {
    const variant = manifest.variants.find((one) => one.name === name);
    const misfit = variant
      ? misfitOf(variant, manifest, facts)
      : ({ code: 'NO_VARIANT_FITS', reason: 'is not in the manifest' } as const);
    if (variant && !misfit) return checkDisk(manifest, variant, facts);
    if (misfit) misfits.push({ name, ...misfit });
  }
  const codes = new Set(misfits.map((one) => one.code));
  const code = codes.size === 1 ? (misfits[0]?.code ?? 'NO_VARIANT_FITS') : 'NO_VARIANT_FITS';
  const sentence = misfits.map(({ name, reason }) => `${name} ${reason}`).join('; ');
  return { ok: false, code, sentence: (sentence || 'the assignment names no variant').slice(0, 1000) };
}

/** The files a device needs for one variant: its own, and all that belong to no variant (samples, profile). */
export const filesOf = (manifest: Manifest, variant: string): Manifest['files'] =>
  filesOfVariants(manifest, [variant]);

function misfitOf(variant: Variant, manifest: Manifest, facts: DeviceFacts): Misfit | null {
  const { arch, os, runtime, memoryBytes } = variant.constraints;
  if (arch && !arch.includes(facts.arch)) {
    return { code: 'ARCH_UNSUPPORTED', reason: `needs ${arch.join(' or ')}, this device is ${facts.arch}` };
  }
  if (os && !os.includes(facts.os)) {
    return { code: 'OS_UNSUPPORTED', reason: `needs ${os.join(' or ')}, this device runs ${facts.os}` };
  }
  const { candidates } = providerPlan(variant);
  if (!candidates.some((name) => facts.providers.includes(name))) {
    const here = facts.providers.join(', ') || 'none';
    const reason = `needs provider ${candidates.join(' or ')}, here is ${here}`;
    return { code: 'PROVIDER_UNSUPPORTED', reason };
  }
  if (runtime !== undefined) {
    // A range nobody can read must not pass: fail closed.
    if (validRange(runtime) === null) {
      return { code: 'RUNTIME_UNSUPPORTED', reason: `has the unreadable runtime range ${runtime}` };
    }
    if (!satisfies(facts.runtime, runtime, { includePrerelease: true })) {
      const reason = `needs ONNX Runtime ${runtime}, here is ${facts.runtime}`;
      return { code: 'RUNTIME_UNSUPPORTED', reason };
    }
  }
  // What a variant asks for, or what the release says that it takes at most.
  const neededBytes = memoryBytes ?? manifest.limits.memoryBytes;
  if (neededBytes > facts.memoryBytes) {
    const reason = `needs ${neededBytes} bytes of memory, here are ${facts.memoryBytes}`;
    return { code: 'MEMORY_TOO_SMALL', reason };
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
