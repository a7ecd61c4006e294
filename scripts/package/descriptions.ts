import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebOptions } from './deb.ts';
import { ROOT } from './tools.ts';

/** Node and better-sqlite3 ask for these; Debian 12, Ubuntu 22.04, JetPack 6 have them. */
export const LIBRARIES = ['libc6 (>= 2.34)', 'libstdc++6 (>= 11)', 'libgcc-s1'];

const script = (folder: string, name: string): string =>
  readFileSync(join(ROOT, folder, 'packaging/debian', name), 'utf8');

export const AGENT_PACKAGE: Omit<DebOptions, 'version' | 'arch' | 'isFast' | 'epoch'> = {
  name: 'ringfleet-agent',
  description:
    'runs quantized models on this device and keeps them up to date\n Brings its own Node and ONNX Runtime.',
  depends: [...LIBRARIES, 'systemd (>= 249)'],
  conffiles: ['/etc/ringfleet/agent.yaml'],
  scripts: scriptsOf('agent'),
};

export function scriptsOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    ['preinst', 'postinst', 'prerm', 'postrm'].map((name) => [name, script(folder, name)]),
  );
}

export const SERVER_PACKAGE: typeof AGENT_PACKAGE = {
  name: 'ringfleet-server',
  description:
    'sends signed model releases out to a fleet of devices\n Server, dashboard and the ringfleet command line, with a Node of their own.',
  depends: [...LIBRARIES, 'systemd (>= 249)'],
  conffiles: ['/etc/ringfleet/server.yaml'],
  scripts: scriptsOf('fleet-server'),
};
