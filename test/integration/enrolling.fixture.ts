import type { Capabilities } from '@ringfleet/shared/protocol';
import type { World } from '../../fleet-server/src/device-contact/device-side-fixture.ts';

export const CAPABILITIES: Capabilities = {
  agentVersion: '0.0.0',
  arch: 'x64',
  os: 'linux',
  hostname: 'edge',
  cpus: 1,
  memoryBytes: 1,
  diskFreeBytes: 1,
  runtime: { name: 'onnxruntime', version: '1.30.0' },
  providers: [],
};

/** The line that `ringfleet token create` would print for this secret. */
export async function tokenLine({ stores, peopleUrl, pki }: World, secret: string): Promise<string> {
  const root = JSON.parse((await stores.trust.get('root')) ?? '') as unknown;
  const token = { v: 1, url: peopleUrl, caPin: pki.caPin, root, secret, labels: {} };
  return `rfe1.${Buffer.from(JSON.stringify(token)).toString('base64url')}`;
}
