import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  buildModelRole,
  buildRoot,
  buildTargets,
  generateKeyPair,
  type RootContent,
  type SignedRelease,
  type Signer,
  signDocument,
  signerOf,
} from '@ringfleet/shared/trust';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { PackageFolder } from '../adapters/agent-packages.ts';
import { openBlobs } from '../adapters/blobs-fs.ts';
import { scryptPasswords } from '../adapters/passwords-scrypt.ts';
import { openPki } from '../adapters/pki.ts';
import { openStores } from '../adapters/store-sqlite/index.ts';
import { webhookSender } from '../adapters/webhook-sender.ts';
import { AuditTrail } from '../audit/audit-trail.ts';
import { CheckpointFile } from '../audit/checkpoint-file.ts';
import { bundleDesk } from '../bundles/bundle-desk.ts';
import { resultsTaker } from '../bundles/carried-results.ts';
import { assignmentMaker } from '../device-contact/assignments.ts';
import type { IdentityProvider } from '../ports/identity-provider.ts';
import { SILENT } from '../ports/log.ts';
import type { BlobStore, Change, Stores } from '../ports/stores.ts';
import { startRepository } from '../repository/repository.ts';
import { createPeopleApp } from './app.ts';
import { Sessions } from './sessions.ts';
import { SetupCode } from './setup-codes.ts';

export const NOW_MS = Date.parse('2030-01-01T00:00:00Z');
export const ADMIN_TOKEN = 'rfa_admin-of-the-test';
export const CHANGE: Change = { by: { kind: 'system', name: 'test', role: 'admin' }, atMs: NOW_MS };
const YEAR_MS = 365 * 86_400_000;

/** For tests: the people's app over real stores in a folder of its own, and the keys of a small fleet. */
export interface PeopleFixture {
  readonly app: FastifyInstance;
  readonly stores: Stores;
  readonly blobs: BlobStore;
  readonly blobsDir: string;
  readonly sessions: Sessions;
  readonly setup: SetupCode;
  readonly auditTrail: AuditTrail;
  readonly keys: FleetKeys;
  /** Moves the clock on. */
  pass(ms: number): void;
  /** One request as the administrator, unless `headers` say otherwise. */
  ask(
    method: InjectOptions['method'],
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>;
  /** Makes an API token of this role and returns its Authorization header. */
  as(role: string): Promise<{ authorization: string }>;
  close(): Promise<void>;
}

export interface FleetKeys {
  readonly root: Signer;
  readonly targets: Signer;
  readonly tiny: Signer;
  readonly online: Signer;
}

export async function openPeople(
  options: {
    maxArtifactBytes?: number;
    dashboardDir?: string;
    packagesDir?: string;
    identityProvider?: IdentityProvider;
    allowWebhooks?: readonly string[];
  } = {},
): Promise<PeopleFixture> {
  const dir = await mkdtemp(join(tmpdir(), 'ringfleet-people-'));
  let nowMs = NOW_MS;
  const clock = () => nowMs;
  const stores = openStores(join(dir, 'data'), { log: SILENT, clock });
  const blobs = await openBlobs(join(dir, 'blobs'));
  const sessions = new Sessions(stores.sessions, clock);
  const setup = new SetupCode(clock);
  const keys = { root: newSigner(), targets: newSigner(), tiny: newSigner(), online: newSigner() };
  const auditTrail = new AuditTrail({
    store: stores.audit,
    file: new CheckpointFile(join(dir, 'audit', 'checkpoints.jsonl')),
    signer: keys.online,
    fleet: 'test',
    clock,
    log: SILENT,
  });
  const signing = { fleet: 'test', stores, signer: keys.online, clock, log: SILENT };
  const repository = await startRepository({ ...signing, trust: stores.trust, events: stores.events });
  const pki = await openPki(dir, { fleet: 'test', publicHost: '127.0.0.1', nowMs, log: SILENT });
  const app = await createPeopleApp({
    stores,
    bundles: bundleDesk({ ...signing, repository, assignments: assignmentMaker(signing) }),
    takeResults: resultsTaker({ fleet: 'test', stores, pki, clock }),
    blobs,
    sessions,
    setup,
    identityProvider: options.identityProvider ?? null,
    auditTrail,
    webhookSender: webhookSender({ allow: options.allowWebhooks ?? [], userAgent: 'test', clock }),
    passwords: scryptPasswords({ cost: { n: 1_024, r: 8, p: 1 } }),
    clock,
    adminToken: ADMIN_TOKEN,
    onlineKey: keys.online,
    caPin: `sha256:${'ca'.repeat(32)}`,
    caPem: pki.caPem,
    packages: new PackageFolder(options.packagesDir ?? join(dir, 'no-packages'), '0.0.0'),
    log: SILENT,
    dashboardDir: options.dashboardDir ?? join(dir, 'no-dashboard'),
    config: {
      fleet: 'test',
      version: '0.0.0',
      publicUrl: () => 'https://fleet.test:8443',
      maxArtifactBytes: options.maxArtifactBytes ?? 1_000_000,
    },
  });
  await app.ready();
  const ask: PeopleFixture['ask'] = (method, path, body, headers) =>
    app.inject({
      method,
      url: path,
      headers: headers ?? { authorization: `Bearer ${ADMIN_TOKEN}` },
      ...(body === undefined ? {} : { payload: body as object }),
    } as InjectOptions) as Promise<LightMyRequestResponse>;
  return {
    app,
    stores,
    blobs,
    blobsDir: join(dir, 'blobs'),
    sessions,
    setup,
    auditTrail,
    keys,
    ask,
    pass: (ms) => {
      nowMs += ms;
    },
    as: async (role) => {
      const made = await ask('POST', '/api/v1/tokens/api', { name: `a-${role}`, role });
      return { authorization: `Bearer ${made.json<{ token: string }>().token}` };
    },
    close: async () => {
      await app.close();
      await repository.stop();
      stores.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function rootText(keys: FleetKeys, changes: Partial<RootContent> = {}): string {
  const signed = buildRoot({
    version: 1,
    expires: NOW_MS + YEAR_MS,
    isDevelopment: true,
    root: one(keys.root),
    targets: one(keys.targets),
    snapshot: one(keys.online),
    timestamp: one(keys.online),
    director: { ...one(keys.online), epoch: 1 },
    ...changes,
  });
  return signDocument(signed, [keys.root]);
}

export function targetsText(keys: FleetKeys, version = 1): string {
  const models = [{ model: 'tiny', ...one(keys.tiny) }];
  return signDocument(buildTargets({ version, expires: NOW_MS + YEAR_MS, models }), [keys.targets]);
}

export function modelRoleText(
  keys: FleetKeys,
  releases: readonly SignedRelease[],
  { version = 1, signer = keys.tiny }: { version?: number; signer?: Signer } = {},
): string {
  const content = { model: 'tiny', version, expires: NOW_MS + YEAR_MS, minReleaseCounter: 0, releases };
  return signDocument(buildModelRole(content), [signer]);
}

/** Publishes root and targets, so that `tiny` may be released. */
export async function publishTrust({ ask, keys }: PeopleFixture): Promise<void> {
  await ask('PUT', '/api/v1/trust/root', rootText(keys), { ...ADMIN, 'content-type': 'application/json' });
  await ask('PUT', '/api/v1/trust/targets', targetsText(keys), {
    ...ADMIN,
    'content-type': 'application/json',
  });
}

export const ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };

/** Uploads what a release of `tiny` is made of and returns its signed target. */
export async function uploadRelease(
  { blobs }: PeopleFixture,
  version: string,
  releaseCounter: number,
): Promise<SignedRelease> {
  const model = Buffer.from(`weights of ${version}`);
  await blobs.put(digestOf(model), Readable.from([model]), 1_000);
  const manifest = manifestBytes(version, model);
  await blobs.put(digestOf(manifest), Readable.from([manifest]), 100_000);
  return {
    version,
    releaseCounter,
    length: manifest.length,
    sha256: digestOf(manifest).slice('sha256:'.length),
  };
}

export function manifestBytes(version: string, model: Uint8Array): Buffer {
  const tensor = (name: string) => ({ name, datatype: 'FP32', axes: [{ min: 1, max: 4 }] });
  return Buffer.from(
    JSON.stringify({
      schema: 'ringfleet/manifest/1',
      model: 'tiny',
      version,
      createdAt: '2030-01-01T00:00:00.000Z',
      description: 'a tiny model',
      license: 'Apache-2.0',
      files: [{ path: 'model.onnx', sizeBytes: model.length, sha256: digestOf(model) }],
      variants: [
        {
          name: 'cpu',
          entry: 'model.onnx',
          files: ['model.onnx'],
          constraints: { providers: ['cpu'] },
          session: {},
          isProven: true,
        },
      ],
      inputs: [tensor('x')],
      outputs: [tensor('y')],
      pre: [],
      post: [],
      features: [],
      conformance: { path: 'conformance', count: 1, tolerances: { absolute: 0, relative: 0 } },
      limits: { memoryBytes: 1_000_000, loadMs: 1_000, inferMs: 1_000 },
      lineage: {},
    }),
  );
}

export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
export const newSigner = (): Signer => signerOf(generateKeyPair(randomBytes(32)).secretKey);
const one = (signer: Signer) => ({ keys: [signer.publicKey], threshold: 1 });
