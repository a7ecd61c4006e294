import type { Manifest } from './manifest.ts';

/** The files a device needs for these variants: their own, and all that belong to no variant (samples, profile). */
export function filesOfVariants(manifest: Manifest, names: readonly string[]): Manifest['files'] {
  const filesOf = (variants: Manifest['variants']) =>
    new Set(variants.flatMap((one) => [one.entry, ...one.files]));
  const own = filesOf(manifest.variants.filter((one) => names.includes(one.name)));
  const all = filesOf(manifest.variants);
  return manifest.files.filter((file) => own.has(file.path) || !all.has(file.path));
}
