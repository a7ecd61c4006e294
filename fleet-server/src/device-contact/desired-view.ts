import { CodedError } from '@ringfleet/shared/errors';
import type { AssignmentModel, ModelRole, Root, Signer } from '@ringfleet/shared/trust';
import { type DesiredModel, desiredModels } from '../core/desired.ts';
import type { SoakPlan } from '../core/domain.ts';
import { computeMembership } from '../core/membership.ts';
import type { Stores } from '../ports/stores.ts';
import type { PublishedDocuments } from './published-documents.ts';

/** DESIGN §12, defaults: what a device does when its ring's assignment says nothing. */
const DEFAULT_SOAK: SoakPlan = { soakMs: 30 * 60_000, minInferences: 100, deadlineMs: 24 * 3_600_000 };

/** What devices should run at one moment, with what their assignments need to say about it. */
export interface DesiredView {
  readonly directorEpoch: number;
  /** Throws RELEASE_NOT_SIGNED: leaving a model out would make the device remove it. */
  modelsFor(device: string, installBefore: number): Promise<readonly AssignmentModel[]>;
}

/** Reads rings, devices and assignments once. Throws TRUST_NOT_INITIALISED, ONLINE_KEY_NOT_IN_ROOT. */
export async function desiredView(
  stores: Stores,
  documents: PublishedDocuments,
  signer: Signer,
): Promise<DesiredView> {
  const root = await currentRoot(documents, signer);
  const [rings, devices, assignments] = await Promise.all([
    stores.rings.list(),
    stores.devices.all(),
    stores.rings.assignments(),
  ]);
  const membership = computeMembership(rings, devices);
  const byId = new Map(devices.map((device) => [device.id, device]));
  const roles = new Map<string, Promise<ModelRole | null>>();
  const variants = new Map<string, Promise<readonly string[]>>();

  function roleOf(model: string): Promise<ModelRole | null> {
    return once(roles, model, () => documents.role(model));
  }
  function variantsOf({ model, version }: DesiredModel): Promise<readonly string[]> {
    return once(variants, `${model}@${version}`, async () => {
      return (await stores.releases.get(model, version))?.variants ?? [];
    });
  }
  async function assigned(desired: DesiredModel, installBefore: number): Promise<AssignmentModel> {
    const { model, version, digest, attempt, rollout } = desired;
    const role = await roleOf(model);
    const signed = role?.releases.find((release) => release.version === version);
    if (!signed || `sha256:${signed.sha256}` !== digest) {
      throw new CodedError('RELEASE_NOT_SIGNED', `m.${model} does not name ${version} with ${digest}`);
    }
    const soak = desired.soak ?? DEFAULT_SOAK;
    return {
      model,
      version,
      manifestLength: signed.length,
      manifestSha256: signed.sha256,
      releaseCounter: signed.releaseCounter,
      variants: await variantsOf(desired),
      mode: 'run',
      attempt,
      ...(rollout === null ? {} : { rollout }),
      soakMs: soak.soakMs,
      minInferences: soak.minInferences,
      soakDeadlineMs: soak.deadlineMs,
      installBefore,
      ...desired.terms,
    };
  }
  return {
    directorEpoch: root.director.epoch,
    modelsFor: (device, installBefore) =>
      Promise.all(
        desiredModels(byId.get(device) ?? { id: device }, membership, assignments).map((desired) =>
          assigned(desired, installBefore),
        ),
      ),
  };
}

async function currentRoot(documents: PublishedDocuments, signer: Signer): Promise<Root> {
  const root = await documents.root();
  if (root === null) throw new CodedError('TRUST_NOT_INITIALISED');
  if (!root.director.keys.has(signer.keyid)) throw new CodedError('ONLINE_KEY_NOT_IN_ROOT');
  return root;
}

function once<T>(known: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? read();
  known.set(key, found);
  return found;
}
