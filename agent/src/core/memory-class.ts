/**
 * The memory limits that runner units come with, smallest first. An unprivileged agent can set no limit of a unit, so it
 * chooses between units that have one each (docs/decisions/0008).
 */
export const MEMORY_CLASSES = [
  { name: '256m', bytes: 256 * 1024 ** 2 },
  { name: '512m', bytes: 512 * 1024 ** 2 },
  { name: '1g', bytes: 1024 ** 3 },
  { name: '2g', bytes: 2 * 1024 ** 3 },
  { name: '4g', bytes: 4 * 1024 ** 3 },
] as const;
export type MemoryClass = (typeof MEMORY_CLASSES)[number]['name'] | 'max';

/** Where a release is loaded whose manifest allows it this much memory; `max` is bounded by the device alone. */
export function memoryClassOf(memoryBytes: number): MemoryClass {
  return MEMORY_CLASSES.find(({ bytes }) => memoryBytes <= bytes)?.name ?? 'max';
}
