import type { Capabilities } from '@ringfleet/shared/protocol';

/** What a device says of itself, as selectors see it: `fact.arch`, `fact.provider.cuda=ok`. Never used for rights. */
export function factsOf(capabilities: Capabilities | null): ReadonlyMap<string, string> {
  if (!capabilities) return new Map();
  const { arch, os, hostname, agentVersion, cpus, memoryBytes, runtime, providers } = capabilities;
  return new Map<string, string>([
    ['fact.arch', arch],
    ['fact.os', os],
    ['fact.hostname', hostname],
    ['fact.agentVersion', agentVersion],
    ['fact.cpus', String(cpus)],
    ['fact.memoryBytes', String(memoryBytes)],
    ['fact.runtime', runtime.name],
    ['fact.runtime.version', runtime.version],
    ...providers.map(({ name, state }): [string, string] => [`fact.provider.${name}`, state]),
  ]);
}
