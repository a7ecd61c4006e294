import { readManifest } from '@ringfleet/shared/release';
import type { Released, ReleasedAs } from '../../core/telemetry/heartbeat-fault.ts';
import { shapeOf } from '../../core/telemetry/release-shape.ts';
import type { ControlDatabase } from './control-database.ts';

/** Releases that are spoken of now; the manifests of others are read again when a device names them. */
const MOST = 1_000;

/** What the registry knows of a release that a heartbeat names. A published release never changes, so it is read once. */
export function knownReleases(db: ControlDatabase): ReleasedAs {
  const byName = db.prepare<[string, string], { digest: string; manifest: Buffer }>(
    'SELECT digest, manifest FROM releases WHERE model = ? AND version = ?',
  );
  const known = new Map<string, Released>();
  return (model, { version, digest }) => {
    const key = `${model} ${version} ${digest}`;
    const before = known.get(key);
    if (before) return before;
    const row = byName.get(model, version);
    if (row?.digest !== digest) return 'unknown';
    const [oldest] = known.keys();
    if (known.size >= MOST && oldest !== undefined) known.delete(oldest);
    const found = read(row.manifest);
    known.set(key, found);
    return found;
  };
}

function read(manifest: Buffer): Released {
  try {
    return shapeOf(readManifest(manifest));
  } catch {
    // It was verified when it was published; an older form of it has no profile that counts could be held against.
    return 'unreadable';
  }
}
