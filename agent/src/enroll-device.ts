import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { readCapabilities } from './adapters/device-facts.ts';
import { type EnrollOptions, enroll } from './adapters/enroll.ts';
import { probeProviders } from './adapters/provider-probe.ts';
import { proxyChoice } from './adapters/proxy-choice.ts';
import { readConfig } from './config.ts';

export interface EnrollDeviceOptions extends Omit<EnrollOptions, 'capabilities'> {
  readonly config?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/** Finds out what this device can do, then enrolls it. Throws what `enroll` throws, and CONFIG_INVALID. */
export async function enrollDevice(
  options: EnrollDeviceOptions,
): Promise<{ readonly fleet: string; readonly device: string }> {
  const { stateDir, env, log, version } = options;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const { runtime, server } = readConfig(options.config, env);
  const probed = await probeProviders({
    runtime,
    runDir: join(stateDir, 'probe'),
    log,
    cacheFile: join(stateDir, 'providers.json'),
  });
  return enroll({
    ...options,
    capabilities: await readCapabilities(stateDir, version, probed),
    proxyFor: proxyChoice(server.proxy, env),
  });
}
