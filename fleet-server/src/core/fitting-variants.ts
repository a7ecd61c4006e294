import type { Capabilities } from '@ringfleet/shared/protocol';
import type { Manifest, Variant } from '@ringfleet/shared/release';

/**
 * Which of the assigned variants a device could take, by the facts of its last contact. All of them where the facts are not
 * known or fit none: they may be old, and the device decides by its own.
 */
export function fittingVariants(
  manifest: Manifest,
  assigned: readonly string[],
  capabilities: Capabilities | null,
): readonly string[] {
  const fitting = assigned.filter((name) => {
    const variant = manifest.variants.find((one) => one.name === name);
    return variant !== undefined && (capabilities === null || fits(variant, capabilities));
  });
  return fitting.length > 0 ? fitting : assigned;
}

function fits({ constraints, session }: Variant, device: Capabilities): boolean {
  const { arch, os, providers, memoryBytes } = constraints;
  const usable = new Set(device.providers.filter(({ state }) => state === 'ok').map(({ name }) => name));
  const wanted = session.fallback === 'forbid' ? providers.slice(0, 1) : providers;
  return (
    (arch?.includes(device.arch) ?? true) &&
    (os?.includes(device.os) ?? true) &&
    (memoryBytes ?? 0) <= device.memoryBytes &&
    (session.fallback === 'allow' || wanted.some((name) => usable.has(name)))
  );
}
