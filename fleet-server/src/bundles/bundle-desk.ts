import { createHash } from 'node:crypto';
import { CodedError } from '@ringfleet/shared/errors';
import type { CarriedAcks } from '@ringfleet/shared/protocol';
import {
  acksPath,
  assignmentPath,
  BUNDLE_ROLE,
  type BundleFile,
  buildBundle,
  MAX_BUNDLE_FILES,
  MAX_BUNDLE_MS,
  modelRoleName,
  peekAssignment,
  peekBundle,
  readSnapshot,
  readStoredAssignment,
  type Signer,
  signDocument,
} from '@ringfleet/shared/trust';
import type { Assignments } from '../device-contact/assignments.ts';
import type { Clock } from '../ports/log.ts';
import type { Change, Stores } from '../ports/stores.ts';
import type { Repository } from '../repository/repository.ts';
import { bundleArtifacts } from './bundle-artifacts.ts';
import { type BundleChoice, chosenDevices } from './chosen-devices.ts';

export interface BundleDeskParts {
  readonly fleet: string;
  readonly stores: Stores;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly assignments: Assignments;
  readonly repository: Pick<Repository, 'ensureCurrent'>;
}

export interface BundlePlan {
  readonly devices: readonly string[];
  readonly artifacts: readonly BundleFile[];
}

/** A signed bundle with its small files; what `bundle` lists beyond them are artifacts, to be had by digest. */
export interface MadeBundle {
  readonly version: number;
  readonly expiresAtMs: number;
  readonly devices: readonly string[];
  /** The text of bundle.json. */
  readonly bundle: string;
  /** By path: metadata, assignments, acknowledgements. */
  readonly files: Readonly<Record<string, string>>;
}

/** Makes what is carried to devices without a network. */
export interface BundleDesk {
  /** What a bundle would hold; signs nothing. */
  plan(choice: BundleChoice): Promise<BundlePlan>;
  /**
   * Signs fresh assignments and the bundle over them; every bundle is kept with its audit row. Throws what `plan` throws,
   * BUNDLE_LIFE_TOO_LONG, METADATA_MISSING, TRUST_NOT_INITIALISED, RELEASE_NOT_SIGNED.
   */
  make(choice: BundleChoice, lifeMs: number, change: Change): Promise<MadeBundle>;
}

export function bundleDesk(parts: BundleDeskParts): BundleDesk {
  const { fleet, stores, signer, clock, assignments, repository } = parts;
  let turn: Promise<unknown> = Promise.resolve();

  async function make(choice: BundleChoice, lifeMs: number, change: Change): Promise<MadeBundle> {
    if (lifeMs > MAX_BUNDLE_MS)
      throw new CodedError('BUNDLE_LIFE_TOO_LONG', undefined, { at: '/expiresInMs' });
    const devices = await chosenDevices(stores.devices, choice);
    await repository.ensureCurrent();
    const issuedAt = Math.floor(clock() / 1000) * 1000;
    const expires = issuedAt + lifeMs;
    const files: Record<string, string> = {};
    const assigned = [];
    for (const device of devices) {
      const { document } = await assignments.carriedFor(device.id, expires);
      files[assignmentPath(device.id)] = document;
      const acks: CarriedAcks = { v: 1, acks: [...(await stores.reports.acknowledgements(device.id))] };
      files[acksPath(device.id)] = JSON.stringify(acks);
      assigned.push({ device, models: readStoredAssignment(document).models });
    }
    const models = new Set(assigned.flatMap((one) => one.models.map(({ model }) => model)));
    const { meta, metadata } = await currentMetadata(parts, models);
    Object.assign(files, metadata);
    const listed = [
      ...Object.entries(files).map(([path, text]) => listedOf(path, text)),
      ...(await bundleArtifacts(stores.releases, assigned)),
    ];
    if (listed.length > MAX_BUNDLE_FILES) throw tooLarge(listed.length);
    const last = await stores.trust.get(BUNDLE_ROLE);
    const version = Math.max((last === null ? 0 : peekBundle(last).version) + 1, Math.floor(issuedAt / 1000));
    const { directorEpoch } = peekAssignment(files[assignmentPath(devices[0]?.id ?? '')] ?? '');
    const ids = devices.map(({ id }) => id);
    const header = { fleet, version, directorEpoch, issuedAt, expires, devices: ids };
    const bundle = signDocument(buildBundle({ ...header, meta, files: listed }), [signer]);
    // Whatever it holds, the device reads no longer document.
    peekBundle(bundle);
    await stores.trust.put(BUNDLE_ROLE, version, bundle, change);
    return { version, expiresAtMs: expires, devices: ids, bundle, files };
  }

  return {
    async plan(choice) {
      const devices = await chosenDevices(stores.devices, choice);
      const assigned = [];
      for (const device of devices) assigned.push({ device, models: await assignments.modelsFor(device.id) });
      return {
        devices: devices.map(({ id }) => id),
        artifacts: await bundleArtifacts(stores.releases, assigned),
      };
    },
    make(choice, lifeMs, change) {
      // One at a time: two bundles must not get one version.
      const made = turn.then(() => make(choice, lifeMs, change));
      turn = made.catch(() => undefined);
      return made;
    },
  };
}

/** The view of the newest snapshot, and what a device needs of it: every root, targets, and the roles of its models. */
async function currentMetadata(
  { stores }: BundleDeskParts,
  models: ReadonlySet<string>,
): Promise<{ meta: ReturnType<typeof readSnapshot>['meta']; metadata: Record<string, string> }> {
  const { trust } = stores;
  const text = await trust.get('snapshot');
  if (text === null) throw new CodedError('METADATA_MISSING', 'no snapshot was signed yet');
  const { meta } = readSnapshot(text);
  const metadata: Record<string, string> = {};
  for (let version = 1; ; version += 1) {
    const root = await trust.get('root', version);
    // A fleet whose first root is a later one has none before it.
    if (root !== null) metadata[`metadata/${version}.root.json`] = root;
    else if (Object.keys(metadata).length > 0 || version > 1_000) break;
  }
  for (const role of ['targets', ...[...models].map(modelRoleName)]) {
    const version = meta[`${role}.json`]?.version;
    const document = version === undefined ? null : await trust.get(role, version);
    if (document === null) throw new CodedError('METADATA_MISSING', `the snapshot does not list ${role}`);
    metadata[`metadata/${version}.${role}.json`] = document;
  }
  return { meta, metadata };
}

function listedOf(path: string, text: string): BundleFile {
  const bytes = Buffer.from(text);
  return { path, length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

const tooLarge = (count: number): CodedError =>
  new CodedError('BUNDLE_TOO_LARGE', `${count} files; one bundle holds ${MAX_BUNDLE_FILES} at most`);
