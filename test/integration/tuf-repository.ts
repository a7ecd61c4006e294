import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Key,
  Metadata,
  MetaFile,
  Root,
  Signature,
  Snapshot,
  TargetFile,
  Targets,
  Timestamp,
} from '@tufjs/models';

export const NOW_MS = Date.parse('2030-06-01T00:00:00Z');
const FAR = '2035-01-01T00:00:00Z';

export interface TestKey {
  readonly key: Key;
  readonly privateKey: KeyObject;
}

/** The models are read-only to whoever reads a repository; this one plays its owner. */
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export type TopRole = 'root' | 'timestamp' | 'snapshot' | 'targets';
type Answer = (response: ServerResponse) => void;

/** A TUF repository of its own making, for playing attacks: everything in it can be changed before `publish`. */
export class TestRepository {
  readonly signers: Record<string, TestKey[]> = {};
  readonly root: Mutable<Root>;
  readonly timestamp: Mutable<Timestamp> = new Timestamp({ version: 0, expires: FAR } as never);
  readonly snapshot: Mutable<Snapshot> = new Snapshot({ version: 0, expires: FAR } as never);
  readonly roles = new Map<string, Mutable<Targets>>();
  /** Whether timestamp and snapshot name length and hashes. */
  withHashes = false;
  readonly files = new Map<string, Buffer | Answer>();
  readonly requests: string[] = [];
  #server: Server | null = null;

  constructor(keyOf: () => TestKey = ed25519Key, isConsistent = true) {
    this.root = new Root({ version: 0, expires: FAR, consistentSnapshot: isConsistent } as never);
    this.roles.set('targets', new Targets({ version: 1, expires: FAR } as never));
    for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const) this.addKey(role, keyOf());
    this.publishRoot();
    this.publish();
  }

  get url(): string {
    const address = this.#server?.address() as AddressInfo | undefined;
    return `http://127.0.0.1:${address?.port}`;
  }

  /** The first root, as a client is given it. */
  get firstRoot(): Buffer {
    return this.files.get('/metadata/1.root.json') as Buffer;
  }

  addKey(role: TopRole, key: TestKey = ed25519Key()): void {
    this.root.addKey(key.key, role);
    this.signers[role] = [...(this.signers[role] ?? []), key];
  }

  /** Replaces all keys of a role. */
  rotate(role: TopRole, key: TestKey = ed25519Key()): void {
    const holder = this.root.roles[role];
    if (holder) (holder as Mutable<typeof holder>).keyIDs = [];
    this.signers[role] = [];
    this.addKey(role, key);
  }

  publishRoot(signers = this.signers['root'] ?? []): void {
    this.root.version += 1;
    this.files.set(`/metadata/${this.root.version}.root.json`, signed(this.root, signers));
  }

  /** Publishes everything below the root as it stands; snapshot and timestamp get the next version. */
  publish(bump: { snapshot?: boolean; timestamp?: boolean } = {}): void {
    for (const [role, targets] of this.roles) {
      const bytes = signed(targets, this.signers[role] ?? []);
      this.snapshot.meta[`${role}.json`] = this.#meta(targets.version, bytes);
      this.files.set(this.#path(role, targets.version), bytes);
    }
    if (bump.snapshot !== false) this.snapshot.version += 1;
    this.publishSnapshot(bump);
  }

  /** Publishes snapshot and timestamp only. */
  publishSnapshot(bump: { timestamp?: boolean } = {}): void {
    const bytes = signed(this.snapshot, this.signers['snapshot'] ?? []);
    this.timestamp.snapshotMeta = this.#meta(this.snapshot.version, bytes);
    this.files.set(this.#path('snapshot', this.snapshot.version), bytes);
    if (bump.timestamp !== false) this.timestamp.version += 1;
    this.publishTimestamp();
  }

  publishTimestamp(): void {
    this.files.set('/metadata/timestamp.json', signed(this.timestamp, this.signers['timestamp'] ?? []));
  }

  addTarget(role: string, path: string, content: string): void {
    const bytes = Buffer.from(content);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.roles.get(role)?.addTarget(new TargetFile({ path, length: bytes.length, hashes: { sha256 } }));
    const parts = path.split('/');
    const base = parts.pop();
    const name = this.root.consistentSnapshot ? `${sha256}.${base}` : base;
    this.files.set(`/targets/${[...parts, name].join('/')}`, bytes);
  }

  /** Lets `delegator` delegate paths to a new role. */
  delegate(delegator: string, role: string, paths: string[], terminating = false, key = ed25519Key()): void {
    const parent = this.roles.get(delegator);
    if (!parent) throw new Error(`no role ${delegator}`);
    const json = parent.toJSON() as { delegations?: { keys: object; roles: object[] } };
    const delegations = json.delegations ?? { keys: {}, roles: [] };
    const changed = {
      ...json,
      delegations: {
        keys: { ...delegations.keys, [key.key.keyID]: key.key.toJSON() },
        roles: [
          ...delegations.roles,
          { name: role, keyids: [key.key.keyID], threshold: 1, terminating, paths },
        ],
      },
    };
    this.roles.set(delegator, Targets.fromJSON(changed as never));
    if (!this.roles.has(role)) this.roles.set(role, new Targets({ version: 1, expires: FAR } as never));
    this.signers[role] = [...(this.signers[role] ?? []), key];
  }

  async listen(): Promise<void> {
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      this.requests.push(path);
      const file = this.files.get(decodeURI(path)) ?? this.files.get(path);
      if (typeof file === 'function') file(response);
      else response.writeHead(file ? 200 : 404).end(file);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }

  close(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  /** What was asked for since the last call, without the folder. */
  takeRequests(): string[] {
    return this.requests.splice(0).map((path) => path.replace('/metadata/', ''));
  }

  #meta(version: number, bytes: Buffer): MetaFile {
    if (!this.withHashes) return new MetaFile({ version });
    const hashes = { sha256: createHash('sha256').update(bytes).digest('hex') };
    return new MetaFile({ version, length: bytes.length, hashes });
  }

  #path(role: string, version: number): string {
    const name = encodeURIComponent(role);
    return `/metadata/${this.root.consistentSnapshot ? `${version}.${name}` : name}.json`;
  }
}

export function ed25519Key(): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const hex = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
  return { key: keyOf('ed25519', 'ed25519', hex), privateKey };
}

export function ecdsaKey(): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  return { key: keyOf('ecdsa', 'ecdsa-sha2-nistp256', pem), privateKey };
}

/** The same kind with its point in hex instead of PEM. */
export function ecdsaHexKey(): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const hex = publicKey.export({ format: 'der', type: 'spki' }).subarray(-65).toString('hex');
  return { key: keyOf('ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256', hex), privateKey };
}

export function rsaKey(): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  return { key: keyOf('rsa', 'rsassa-pss-sha256', pem), privateKey };
}

/** The same key under another id. */
export const underOtherId = ({ key, privateKey }: TestKey, keyID: string): TestKey => ({
  key: new Key({ keyID, keyType: key.keyType, scheme: key.scheme, keyVal: key.keyVal }),
  privateKey,
});

function keyOf(keyType: string, scheme: string, value: string): Key {
  const keyID = createHash('sha256').update(value).digest('hex');
  return new Key({ keyID, keyType, scheme, keyVal: { public: value } });
}

function signed(part: Root | Timestamp | Snapshot | Targets, signers: readonly TestKey[]): Buffer {
  const metadata = new Metadata(part as Targets);
  for (const { key, privateKey } of signers) {
    metadata.sign((bytes) => {
      const options = key.keyType === 'rsa' ? { key: privateKey, padding: 6, saltLength: 32 } : privateKey;
      const sig = sign(key.keyType === 'ed25519' ? null : 'sha256', bytes, options).toString('hex');
      return new Signature({ keyID: key.keyID, sig });
    });
  }
  return Buffer.from(JSON.stringify(metadata.toJSON()));
}
