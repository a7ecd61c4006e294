import { join } from 'node:path';
import type { Capabilities } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';
import { readCapabilities } from './adapters/device-facts.ts';
import { type ProbedProviders, probeProviders, unusableOf } from './adapters/provider-probe.ts';
import type { AgentConfig } from './config.ts';
import type { DeviceFacts } from './core/constraints.ts';
import { AGENT_VERSION } from './version.ts';

/** What this device is and can do. */
export interface DeviceKnowledge {
  /** Probes the providers when it is first asked for. */
  readonly capabilities: () => Promise<Capabilities>;
  readonly facts: () => Promise<DeviceFacts>;
  /** Providers that the probe found not to work; none before it has run. */
  readonly unusable: () => ReturnType<typeof unusableOf>;
}

export interface DeviceKnowledgeOptions {
  readonly stateDir: string;
  readonly runDir: string;
  readonly config: AgentConfig;
  readonly log: Logger;
}

/** Knows the device, and looks no sooner than it is asked: probing must not delay an answer of what was committed. */
export function deviceKnowledge({ stateDir, runDir, config, log }: DeviceKnowledgeOptions): DeviceKnowledge {
  const runtime = { ...config.runtime, cacheDir: join(stateDir, 'engines') };
  let probed: ProbedProviders | undefined;
  const probing = once(async () => {
    probed = await probeProviders({ runtime, runDir, log, cacheFile: join(stateDir, 'providers.json') });
    log.info({ component: 'providers', ...probed }, 'providers probed');
    return probed;
  });
  const capabilities = async () => readCapabilities(stateDir, AGENT_VERSION, await probing());
  return {
    capabilities,
    facts: async () => {
      const found = await capabilities();
      const { arch, os, memoryBytes, diskFreeBytes } = found;
      return {
        arch,
        os,
        providers: found.providers.filter((one) => one.state === 'ok').map((one) => one.name),
        runtime: found.runtime.version,
        memoryBytes,
        diskFreeBytes,
        diskReserveBytes: config.disk.reserveBytes,
      };
    },
    unusable: () => unusableOf(probed?.providers ?? []),
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    // What failed once is tried again when it is asked for next.
    made ??= make().catch((err: unknown) => {
      made = undefined;
      throw err;
    });
    return made;
  };
}
