import { statfs } from 'node:fs/promises';
import { availableParallelism, hostname, totalmem } from 'node:os';
import type { Capabilities } from '@ringfleet/shared/protocol';
import type { ProbedProviders } from './provider-probe.ts';

/** What this device is and can do, looked at anew each time. */
export async function readCapabilities(
  stateDir: string,
  agentVersion: string,
  probed: ProbedProviders,
): Promise<Capabilities> {
  return {
    agentVersion,
    arch: process.arch,
    os: process.platform,
    hostname: hostname().slice(0, 255),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    diskFreeBytes: await diskFreeBytes(stateDir),
    runtime: probed.runtime,
    providers: [...probed.providers],
  };
}

export async function diskFreeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
