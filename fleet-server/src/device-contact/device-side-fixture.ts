import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Ack,
  buildTopic,
  downFilter,
  type EnrollReply,
  encodePayload,
  type UpKind,
} from '@ringfleet/shared/protocol';
import {
  buildModelRole,
  buildRoot,
  buildTargets,
  generateKeyPair,
  type RoleKeys,
  type Signer,
  signDocument,
  signerOf,
} from '@ringfleet/shared/trust';
import Fastify from 'fastify';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { openBlobs } from '../adapters/blobs-fs.ts';
import { openOnlineSigner } from '../adapters/online-signer.ts';
import { openPki } from '../adapters/pki.ts';
import { newDeviceKey } from '../adapters/pki-fixture.ts';
import { openStores } from '../adapters/store-sqlite/index.ts';
import { answerProblems } from '../api/problems.ts';
import type { Pace } from '../core/telemetry/intake-pace.ts';
import { SILENT } from '../ports/log.ts';
import type { Pki } from '../ports/pki.ts';
import type { BlobStore, Change, Stores } from '../ports/stores.ts';
import { type DeviceSide, startDeviceSide } from './index.ts';

export const FLEET = 'lab';
export const SECRET = 'a-secret-of-at-least-thirty-two-characters';
const YEAR_MS = 365 * 86_400_000;
const ADMIN: Change = { by: { kind: 'person', name: 'ada', role: 'admin' }, atMs: Date.now() };

export interface World {
  readonly stores: Stores;
  readonly blobs: BlobStore;
  readonly side: DeviceSide;
  readonly peopleUrl: string;
  readonly ca: string;
  readonly pki: Pki;
  readonly manifestDigest: string;
  stop(): Promise<void>;
}

/** A server's device side on free ports, with a signed release assigned to the ring of devices labelled `ring=canary`. */
export async function startWorld(
  wrap: (stores: Stores) => Stores = (stores) => stores,
  {
    isPublished = true,
    clock = Date.now,
    pace,
  }: { isPublished?: boolean; clock?: () => number; pace?: Pace } = {},
): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'ringfleet-side-'));
  const inner = openStores(folder, { log: SILENT });
  const stores = wrap(inner);
  const blobs = await openBlobs(join(folder, 'blobs'));
  const pki = await openPki(folder, {
    fleet: FLEET,
    publicHost: '127.0.0.1',
    nowMs: clock(),
    log: SILENT,
  });
  const signer = await openOnlineSigner(folder);
  const address = { host: '127.0.0.1', port: 0 };
  const config = {
    fleet: FLEET,
    publicHost: '127.0.0.1',
    device: address,
    mqtt: address,
    reconnectWindowMs: 500,
  };
  const paced = pace ? { pace } : {};
  const side = await startDeviceSide({ stores, blobs, pki, signer, config, log: SILENT, clock, ...paced });
  const people = Fastify({ https: pki.serverTls });
  answerProblems(people as never, SILENT);
  await people.register(side.enrollmentRoutes);
  await people.listen(address);
  const manifestDigest = isPublished ? await publish(stores, blobs, signer) : '';
  const token = { name: 't', labels: { ring: 'canary' }, uses: 99, expiresAtMs: Date.now() + YEAR_MS };
  const secretHash = createHash('sha256').update(SECRET).digest('hex');
  await stores.tokens.createEnrollment({ ...token, secretHash }, ADMIN);
  return {
    stores,
    blobs,
    side,
    manifestDigest,
    ca: pki.caPem,
    pki,
    peopleUrl: `https://127.0.0.1:${(people.server.address() as AddressInfo).port}`,
    async stop() {
      await people.close();
      await side.stop();
      inner.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Assigns the release to the ring; who is connected is told. */
export async function assign(world: Pick<World, 'stores' | 'manifestDigest'>, attempt = 1): Promise<void> {
  const release = { model: 'tiny', version: '1.0.0', digest: world.manifestDigest };
  await world.stores.rings.assign({ ...release, ring: 'canary', attempt, rollout: null, soak: null }, ADMIN);
}

/** A one-key root, its metadata, one release of `tiny`, and the ring `canary`; answers the manifest's digest. */
export async function publish(stores: Stores, blobs: BlobStore, online: Signer): Promise<string> {
  const offline = signerOf(generateKeyPair(new Uint8Array(32).fill(7)).secretKey);
  const by = (signer: Signer): RoleKeys => ({ keys: [signer.publicKey], threshold: 1 });
  const expires = Date.now() + YEAR_MS;
  const root = {
    version: 1,
    expires,
    isDevelopment: true,
    root: by(offline),
    targets: by(offline),
    snapshot: by(online),
    timestamp: by(online),
    director: { ...by(online), epoch: 1 },
  };
  await stores.trust.put('root', 1, signDocument(buildRoot(root), [offline]), ADMIN);
  const targets = { version: 1, expires, models: [{ model: 'tiny', ...by(offline) }] };
  await stores.trust.put('targets', 1, signDocument(buildTargets(targets), [offline]), ADMIN);

  const manifest = Buffer.from('{"manifest":true}');
  const sha256 = createHash('sha256').update(manifest).digest('hex');
  const digest = `sha256:${sha256}`;
  const releases = [{ version: '1.0.0', releaseCounter: 1, length: manifest.length, sha256 }];
  const role = { model: 'tiny', version: 1, expires, minReleaseCounter: 1, releases };
  await stores.trust.put('m.tiny', 1, signDocument(buildModelRole(role), [offline]), ADMIN);
  const oneChunk = async function* () {
    yield manifest;
  };
  await blobs.put(digest, oneChunk(), 1_000);
  const shown = { description: '', publishedAtMs: 0, publishedBy: 'ada', yankedAtMs: null };
  const release = {
    model: 'tiny',
    version: '1.0.0',
    digest,
    sizeBytes: 17,
    variants: ['int8-cpu'],
    ...shown,
  };
  await stores.releases.add(release, manifest, ADMIN);
  const ring = { name: 'canary', ordinal: 1, selector: 'ring=canary', devices: [], shareBasisPoints: null };
  await stores.rings.put(ring, null, ADMIN);
  return digest;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly tls?: { readonly key?: string; readonly cert?: string; readonly ca: string };
}

export function call(url: string, { method = 'GET', headers = {}, body, tls }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const type = sent === undefined ? {} : { 'content-type': 'application/json' };
    const going = request(
      url,
      { method, headers: { ...type, ...headers }, ...tls, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
        response.on('error', reject);
      },
    );
    going.on('error', reject);
    going.end(sent);
  });
}

/** A device as the tests play it: its certificate, HTTP calls and MQTT. */
export class TestDevice {
  readonly id: string;
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
  readonly world: World;

  private constructor(world: World, id: string, tls: TestDevice['tls']) {
    this.world = world;
    this.id = id;
    this.tls = tls;
  }

  static async enroll(world: World, id: string, secret = SECRET): Promise<TestDevice> {
    const { keyPem, csrPem } = await newDeviceKey();
    const answer = await call(`${world.peopleUrl}/device/v1/enroll`, {
      method: 'POST',
      body: { secret, id, csr: csrPem },
      tls: { ca: world.ca },
    });
    if (answer.status !== 200) throw new Error(answer.text);
    const reply = JSON.parse(answer.text) as EnrollReply;
    return new TestDevice(world, id, { key: keyPem, cert: reply.certificate, ca: reply.ca });
  }

  http(path: string, more: Call = {}): Promise<Answer> {
    return call(`${this.world.side.deviceUrl}/device/v1/${path}`, { ...more, tls: this.tls });
  }

  mqtt(options: IClientOptions = {}): TestLink {
    return new TestLink(this, options);
  }
}

/** One MQTT connection and everything it heard. */
export class TestLink {
  readonly client: MqttClient;
  readonly heard: { readonly kind: string; readonly message: Record<string, unknown> }[] = [];
  readonly #device: string;
  isClosed = false;

  constructor(device: TestDevice, options: IClientOptions) {
    this.#device = device.id;
    this.client = connect(device.world.side.mqttUrl, {
      ...device.tls,
      protocolVersion: 4,
      clientId: device.id,
      clean: true,
      reconnectPeriod: 0,
      ...options,
    });
    this.client.on('message', (topic, payload) => {
      this.heard.push({ kind: topic.split('/').at(-1) ?? '', message: JSON.parse(payload.toString()) });
    });
    this.client.on('close', () => {
      this.isClosed = true;
    });
    this.client.on('error', () => undefined);
  }

  subscribe(filter = downFilter(FLEET, this.#device)) {
    return this.client.subscribeAsync(filter, { qos: 1 });
  }

  async publish(kind: UpKind, message: unknown, device = this.#device): Promise<void> {
    const topic = buildTopic({ fleet: FLEET, device, direction: 'up', kind });
    await this.client.publishAsync(topic, Buffer.from(encodePayload(message)), { qos: 1 });
  }

  acks(): Ack[] {
    return this.heard.filter((one) => one.kind === 'ack').map((one) => one.message as unknown as Ack);
  }

  desired(): Record<string, unknown>[] {
    return this.heard.filter((one) => one.kind === 'desired').map((one) => one.message);
  }

  async end(): Promise<void> {
    await this.client.endAsync(true);
  }
}
