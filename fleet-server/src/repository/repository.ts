import {
  buildSnapshot,
  buildTimestamp,
  type FileMeta,
  fileMetaOf,
  modelRoleName,
  type OnlineDocument,
  readRoot,
  readSnapshot,
  readTargets,
  readTimestamp,
  type SignedPart,
  type Signer,
  signDocument,
} from '@ringfleet/shared/trust';
import type { Principal } from '../core/domain.ts';
import type { Clock, Log } from '../ports/log.ts';
import type { EventStore, TrustStore } from '../ports/stores.ts';

const DAY_MS = 86_400_000;
const LIFE_MS = { snapshot: 30 * DAY_MS, timestamp: 7 * DAY_MS };
const LOOK_MS = 3_600_000;
const BY: Principal = { kind: 'system', name: 'repository', role: 'admin' };

export interface RepositoryParts {
  readonly trust: TrustStore;
  readonly events: Pick<EventStore, 'onAppend'>;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly log: Log;
}

/** TUF's online roles: one consistent view over all published metadata, always fresh. */
export interface Repository {
  /**
   * Signs a new snapshot and timestamp if anything was published since the last ones, if they have used up half of their
   * life, or if another key signed them. Called before either is given out, so no device sees a view that is behind.
   */
  ensureCurrent(): Promise<void>;
  stop(): Promise<void>;
}

/** Brings the online roles up to date now and from then on, every hour at least. */
export async function startRepository(parts: RepositoryParts): Promise<Repository> {
  let isBehind = true;
  let lookedAtMs = 0;
  let running: Promise<void> = Promise.resolve();
  const unsubscribe = parts.events.onAppend(() => {
    isBehind = true;
  });

  const ensureCurrent = (): Promise<void> => {
    running = running
      .catch(() => undefined)
      .then(async () => {
        const nowMs = parts.clock();
        if (!isBehind && Math.abs(nowMs - lookedAtMs) < LOOK_MS) return;
        isBehind = false;
        try {
          await renew(parts, nowMs);
          lookedAtMs = nowMs;
        } catch (err) {
          isBehind = true;
          throw err;
        }
      });
    return running;
  };
  const look = (): Promise<void> =>
    ensureCurrent().catch((err: unknown) => {
      parts.log.error({ err, component: 'repository' }, 'online roles not renewed');
    });
  await look();
  const timer = setInterval(() => void look(), LOOK_MS);
  return {
    ensureCurrent,
    async stop() {
      unsubscribe();
      clearInterval(timer);
      await running.catch(() => undefined);
    },
  };
}

async function renew(parts: RepositoryParts, nowMs: number): Promise<void> {
  const { trust, signer, log } = parts;
  const rootText = await trust.get('root');
  const targetsText = await trust.get('targets');
  if (rootText === null || targetsText === null) return;
  const { snapshot, timestamp } = readRoot(rootText).roles;
  if (!snapshot.keys.has(signer.keyid) || !timestamp.keys.has(signer.keyid)) {
    log.error({ component: 'repository', keyid: signer.keyid }, 'the root does not name this online key');
    return;
  }
  const last = await stored(trust, 'snapshot', readSnapshot);
  const meta = await published(trust, targetsText, Object.keys(last?.meta ?? {}));
  const snapshotMeta = await put(parts, nowMs, 'snapshot', last, meta, (content) =>
    buildSnapshot({ ...content, meta }),
  );
  const lastTimestamp = await stored(trust, 'timestamp', readTimestamp);
  await put(parts, nowMs, 'timestamp', lastTimestamp, { 'snapshot.json': snapshotMeta }, (content) =>
    buildTimestamp({ ...content, snapshot: snapshotMeta }),
  );
}

/** Every targets role with its newest version. What was listed once stays listed: clients refuse a view without it. */
async function published(
  trust: TrustStore,
  targetsText: string,
  listed: readonly string[],
): Promise<Record<string, FileMeta>> {
  const models = [...readTargets(targetsText).models.keys()].map(modelRoleName);
  const roles = new Set([...models, ...listed.map((file) => file.replace(/\.json$/, ''))]);
  const meta: Record<string, FileMeta> = {};
  for (const role of [...roles, 'targets'].sort()) {
    const text = role === 'targets' ? targetsText : await trust.get(role);
    if (text !== null) meta[`${role}.json`] = fileMetaOf(text);
  }
  return meta;
}

async function put(
  { trust, signer, log }: RepositoryParts,
  nowMs: number,
  role: 'snapshot' | 'timestamp',
  last: OnlineDocument | null,
  meta: Readonly<Record<string, FileMeta>>,
  build: (content: { version: number; expires: number }) => SignedPart,
): Promise<FileMeta> {
  const isGood =
    last?.signedBy.includes(signer.keyid) &&
    last.expires - nowMs > LIFE_MS[role] / 2 &&
    isSame(last.meta, meta);
  if (isGood) return fileMetaOf((await trust.get(role)) ?? '');
  const version = (last?.version ?? 0) + 1;
  const expires = nowMs + LIFE_MS[role];
  const text = signDocument(build({ version, expires }), [signer]);
  await trust.put(role, version, text, { by: BY, atMs: nowMs });
  log.info({ component: 'repository', role, version, expiresAtMs: expires }, 'online role signed');
  return fileMetaOf(text);
}

async function stored(
  trust: TrustStore,
  role: string,
  read: (text: string) => OnlineDocument,
): Promise<OnlineDocument | null> {
  const text = await trust.get(role);
  return text === null ? null : read(text);
}

function isSame(a: Readonly<Record<string, FileMeta>>, b: Readonly<Record<string, FileMeta>>): boolean {
  const key = (meta: Readonly<Record<string, FileMeta>>): string =>
    JSON.stringify(
      Object.entries(meta)
        .map(([file, { version, length, sha256 }]) => [file, version, length, sha256])
        .sort(([x], [y]) => (String(x) < String(y) ? -1 : 1)),
    );
  return key(a) === key(b);
}
