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

type OnlineRole = 'snapshot' | 'timestamp';
type View = Readonly<Record<string, FileMeta>>;

/** The highest version that a device showed of each; 0: none. */
type Seen = Readonly<Record<OnlineRole, number>>;

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
  /**
   * A device showed a snapshot or timestamp of this version that this server's key signed, and the caller has verified it:
   * the next ones are newer than that.
   */
  outdo(role: OnlineRole, version: number): void;
  stop(): Promise<void>;
}

/**
 * Brings the online roles up to date now and from then on, every hour at least. Both are signed at every start: a server
 * that was put back from a backup may not know it, and devices have seen newer ones than it has.
 */
export async function startRepository(parts: RepositoryParts): Promise<Repository> {
  let seen: Seen = { snapshot: 0, timestamp: 0 };
  let isNew = true;
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
          if (await renew(parts, nowMs, isNew, seen)) isNew = false;
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
    outdo(role, version) {
      seen = { ...seen, [role]: Math.max(seen[role], version) };
      isBehind = true;
    },
    async stop() {
      unsubscribe();
      clearInterval(timer);
      await running.catch(() => undefined);
    },
  };
}

/** False while there is nothing to speak of, or the root names another key. */
async function renew(parts: RepositoryParts, nowMs: number, isNew: boolean, seen: Seen): Promise<boolean> {
  const { trust, signer, log } = parts;
  const rootText = await trust.get('root');
  const targetsText = await trust.get('targets');
  if (rootText === null || targetsText === null) return false;
  const { snapshot, timestamp } = readRoot(rootText).roles;
  if (!snapshot.keys.has(signer.keyid) || !timestamp.keys.has(signer.keyid)) {
    log.error({ component: 'repository', keyid: signer.keyid }, 'the root does not name this online key');
    return false;
  }
  const last = await stored(trust, 'snapshot', readSnapshot);
  const meta = await published(trust, targetsText, Object.keys(last?.meta ?? {}));
  const snapshotMeta = await put(parts, nowMs, 'snapshot', { last, isNew, seen, meta }, (content) =>
    buildSnapshot({ ...content, meta }),
  );
  const lastTimestamp = await stored(trust, 'timestamp', readTimestamp);
  const before = { last: lastTimestamp, isNew, seen, meta: { 'snapshot.json': snapshotMeta } };
  await put(parts, nowMs, 'timestamp', before, (content) =>
    buildTimestamp({ ...content, snapshot: snapshotMeta }),
  );
  return true;
}

/** Every targets role with its newest version. What was listed once stays listed: clients refuse a view without it. */
async function published(trust: TrustStore, targetsText: string, listed: readonly string[]): Promise<View> {
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
  role: OnlineRole,
  { last, isNew, seen, meta }: { last: OnlineDocument | null; isNew: boolean; seen: Seen; meta: View },
  build: (content: { version: number; expires: number }) => SignedPart,
): Promise<FileMeta> {
  const isGood =
    !isNew &&
    last?.signedBy.includes(signer.keyid) &&
    last.version > seen[role] &&
    last.expires - nowMs > LIFE_MS[role] / 2 &&
    isSame(last.meta, meta);
  if (isGood) return fileMetaOf((await trust.get(role)) ?? '');
  // At least the time in seconds, so that versions go on growing after a restore from a backup.
  const version = Math.max((last?.version ?? 0) + 1, seen[role] + 1, Math.floor(nowMs / 1000));
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

function isSame(a: View, b: View): boolean {
  const key = (meta: View): string =>
    JSON.stringify(
      Object.entries(meta)
        .map(([file, { version, length, sha256 }]) => [file, version, length, sha256])
        .sort(([x], [y]) => (String(x) < String(y) ? -1 : 1)),
    );
  return key(a) === key(b);
}
