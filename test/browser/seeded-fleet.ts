import { createHash, randomBytes } from 'node:crypto';
import { buildRoot, generateKeyPair, signDocument, signerOf } from '@ringfleet/shared/trust';
import { openStores } from '../../fleet-server/src/adapters/store-sqlite/index.ts';
import { SILENT } from '../../fleet-server/src/ports/log.ts';
import type { Change } from '../../fleet-server/src/ports/stores.ts';

export const MODEL = 'keyword';
const YEAR_MS = 365 * 86_400_000;

/** The manifest's digest of a release; the same wherever it is asked. */
export const digestOf = (version: string): string =>
  `sha256:${createHash('sha256').update(`${MODEL} ${version}`).digest('hex')}`;

/** What publisher and administrator did before the test begins: a root of trust, releases, two rings that run 1.0.0. */
export async function seedFleet(dataDir: string): Promise<void> {
  const stores = openStores(dataDir, { log: SILENT });
  const change: Change = {
    by: { kind: 'person', name: 'ada', role: 'admin' },
    atMs: Date.now() - 3_600_000,
  };
  try {
    await stores.trust.put('root', 1, developmentRoot(), change);
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
      const release = {
        model: MODEL,
        version,
        digest: digestOf(version),
        sizeBytes: 40_000,
        variants: ['int8-cpu'],
        description: 'Hears a word',
        publishedAtMs: change.atMs,
        publishedBy: 'ada',
        yankedAtMs: null,
      };
      await stores.releases.add(release, Buffer.from(`${MODEL} ${version}`), change);
    }
    for (const [ordinal, name] of ['canary', 'fleet'].entries()) {
      const ring = { name, ordinal, selector: `stage=${name}`, devices: [], shareBasisPoints: null };
      await stores.rings.put(ring, null, change);
      const running = { model: MODEL, version: '1.0.0', digest: digestOf('1.0.0'), attempt: 1 };
      await stores.rings.assign({ ring: name, ...running, rollout: null, soak: null }, change);
    }
  } finally {
    stores.close();
  }
}

function developmentRoot(): string {
  const { publicKey, secretKey } = generateKeyPair(randomBytes(32));
  const role = { keys: [publicKey], threshold: 1 };
  const root = buildRoot({
    version: 1,
    expires: Date.now() + YEAR_MS,
    isDevelopment: true,
    root: role,
    targets: role,
    snapshot: role,
    timestamp: role,
    director: { ...role, epoch: 1 },
  });
  return signDocument(root, [signerOf(secretKey)]);
}
