import { createHash } from 'node:crypto';
import { openPki } from '../../../fleet-server/src/adapters/pki.ts';
import { newDeviceKey } from '../../../fleet-server/src/adapters/pki-fixture.ts';
import { openStores } from '../../../fleet-server/src/adapters/store-sqlite/index.ts';
import { SILENT } from '../../../fleet-server/src/ports/log.ts';
import { benchManifest, MODEL, VERSION } from './heartbeat.ts';

export const FLEET = 'bench';
const HOUR_MS = 3_600_000;

export interface SimulatedDevice {
  readonly id: string;
  readonly key: string;
  readonly cert: string;
}

export interface FleetFolder {
  readonly devices: readonly SimulatedDevice[];
  readonly ca: string;
  /** Of the release that the heartbeats count for. */
  readonly digest: string;
}

/** A server's data folder with a published release and enrolled devices, made while no server runs on it. */
export async function makeFleetFolder(dataDir: string, count: number): Promise<FleetFolder> {
  const stores = openStores(dataDir, { log: SILENT });
  try {
    const nowMs = Date.now();
    const change = { by: { kind: 'system', name: 'bench', role: 'admin' }, atMs: nowMs } as const;
    const pki = await openPki(dataDir, { fleet: FLEET, publicHost: '127.0.0.1', nowMs, log: SILENT });
    const manifest = benchManifest('0'.repeat(64));
    const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
    const shown = { sizeBytes: manifest.length, variants: ['cpu'], description: '' };
    const published = { publishedAtMs: nowMs, publishedBy: 'bench', yankedAtMs: null };
    await stores.releases.add(
      { model: MODEL, version: VERSION, digest, ...shown, ...published },
      manifest,
      change,
    );
    const secretHash = createHash('sha256').update('bench').digest('hex');
    const token = { name: 'bench', secretHash, labels: {}, uses: count, expiresAtMs: nowMs + HOUR_MS };
    await stores.tokens.createEnrollment(token, change);
    const devices: SimulatedDevice[] = [];
    for (let i = 0; i < count; i++) {
      const id = `device-${i}`;
      const { keyPem, csrPem } = await newDeviceKey();
      const { certificate, serial, notAfterMs } = await pki.issueDevice(csrPem, id, nowMs);
      const request = { id, secretHash, certSerial: serial, notAfterMs, capabilities: null };
      await stores.devices.enroll(request, change);
      devices.push({ id, key: keyPem, cert: certificate });
    }
    return { devices, ca: pki.caPem, digest };
  } finally {
    stores.close();
  }
}
