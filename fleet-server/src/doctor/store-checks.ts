import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Check, failed, ok, skipped } from '@ringfleet/shared/diagnosis';
import { readManifest } from '@ringfleet/shared/release';
import { blobFile } from '../adapters/blobs-fs.ts';
import type { Seen } from '../adapters/store-sqlite/look-into.ts';
import { measure } from '../backup/copy-file.ts';
import type { ServerConfig } from '../config.ts';
import { count } from '../core/wording.ts';

const ANSWER_MS = 3_000;

/** Every file that a release names is there with its length; `isDeep` reads them all. */
export async function checkArtifacts(dataDir: string, { manifests }: Seen, isDeep: boolean): Promise<Check> {
  const wanted = new Map<string, number>();
  for (const bytes of manifests) {
    for (const { sha256, sizeBytes } of readManifest(bytes).files) wanted.set(sha256, sizeBytes);
  }
  for (const [digest, sizeBytes] of wanted) {
    const fault = await faultOf(digest, sizeBytes);
    if (fault === null) continue;
    const remedy = 'publish the release again (`ringfleet release publish`), or restore a backup';
    return failed('artifacts', `${digest} ${fault}`, remedy);
  }
  const read = isDeep ? 'read and unharmed' : 'there; --deep reads them';
  return ok('artifacts', `${count(wanted.size, 'file')} of ${count(manifests.length, 'release')} ${read}`);

  async function faultOf(digest: string, sizeBytes: number): Promise<string | null> {
    const path = blobFile(join(dataDir, 'blobs'), digest);
    const size = await stat(path).then(
      (found) => found.size,
      () => null,
    );
    if (size === null) return 'is missing';
    if (size !== sizeBytes) return `has ${size} bytes instead of ${sizeBytes}`;
    return isDeep && `sha256:${(await measure(path)).sha256}` !== digest ? 'was changed on the disk' : null;
  }
}

/** Whether the listeners of a running server take connections. */
export async function checkListeners(config: ServerConfig, isRunning: boolean): Promise<Check> {
  if (!isRunning) return skipped('listeners', 'the server is not running');
  const ports = { people: config.people, device: config.device, mqtt: config.mqtt };
  for (const [name, { host, port }] of Object.entries(ports)) {
    if (port === 0) continue;
    const at = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
    if (await answers(at, port)) continue;
    const remedy = 'look at its log: `journalctl -u ringfleet-server`';
    return failed('listeners', `nobody answers at ${at}:${port} (${name})`, remedy);
  }
  return ok('listeners', 'people, devices and MQTT are answered');
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: ANSWER_MS });
    const end = (isThere: boolean) => () => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });
}
