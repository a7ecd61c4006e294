import { readFileSync } from 'node:fs';

/** Another one after each start of the machine; empty where the kernel does not say. */
export function readBootId(path = '/proc/sys/kernel/random/boot_id'): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Without it a power cut looks like a death of the agent, which is the stricter reading.
    return '';
  }
}
