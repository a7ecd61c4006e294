import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { Capabilities } from '@ringfleet/shared/protocol';

/** What this device is and can do, looked at anew each time. */
export async function readCapabilities(stateDir: string, agentVersion: string): Promise<Capabilities> {
  return {
    agentVersion,
    arch: process.arch,
    os: process.platform,
    hostname: hostname().slice(0, 255),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    diskFreeBytes: await diskFreeBytes(stateDir),
    runtime: { name: 'onnxruntime-node', version: runtimeVersion() },
    providers: [{ name: 'cpu', state: 'ok' }],
  };
}

export async function diskFreeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** From the package's own description: this process never loads the library (DESIGN §6 "Processes"). */
function runtimeVersion(): string {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const found = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
      if (found['name'] === 'onnxruntime-node') return String(found['version']);
    } catch {
      // No description in this folder: look one higher.
    }
  }
  return '0.0.0';
}
