import { CodedError } from '@ringfleet/shared/errors';
import {
  type AssignmentModel,
  assignmentContentHash,
  buildAssignment,
  peekAssignment,
  readStoredAssignment,
  type Signer,
  signDocument,
} from '@ringfleet/shared/trust';
import type { Device } from '../core/domain.ts';
import type { Clock, Log } from '../ports/log.ts';
import type { AssignmentStore, Stores } from '../ports/stores.ts';
import { type DesiredView, desiredView } from './desired-view.ts';
import { publishedDocuments } from './published-documents.ts';

const HOUR_MS = 3_600_000;
const VALID_MS = 24 * HOUR_MS;
/** Signed again when less than this is left. */
const RENEW_BEFORE_MS = 12 * HOUR_MS;
const INSTALL_MS = 30 * 24 * HOUR_MS;
/** A device that claims to be further ahead than this is not believed. */
const MAX_GENERATION_JUMP = 1_000_000;
const DIRECTOR = { kind: 'system', name: 'director', role: 'admin' } as const;

export interface DeviceAssignment {
  readonly generation: number;
  readonly tufVersion: number;
  /** The signed text. */
  readonly document: string;
  /** `<generation>.<tufVersion>`. */
  readonly etag: string;
}

export interface Assignments {
  /** Throws DEVICE_UNKNOWN, TRUST_NOT_INITIALISED, ONLINE_KEY_NOT_IN_ROOT, RELEASE_NOT_SIGNED. */
  assignmentFor(device: string): Promise<DeviceAssignment>;
  /**
   * For many devices at once: what they are derived from is read once. Devices that nothing can be said to yet (no trust
   * root, an unsigned release) are left out, with a warning in the log.
   */
  assignmentsFor(devices: readonly string[]): Promise<ReadonlyMap<string, DeviceAssignment>>;
  /**
   * A freshly signed one that a person carries there: it may be installed as long after `untilMs`, the last moment at which
   * it is accepted, as any other after its own.
   */
  carriedFor(device: string, untilMs: number): Promise<DeviceAssignment>;
  /** What the device should run now; signs nothing. */
  modelsFor(device: string): Promise<readonly AssignmentModel[]>;
}

export interface AssignmentParts {
  readonly fleet: string;
  readonly stores: Stores;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly log: Log;
}

type Stored = NonNullable<Awaited<ReturnType<AssignmentStore['get']>>>;

/**
 * Makes signed assignments when devices ask: the one that is stored while its content is still right and half of its
 * time is left, else a new one. The generation grows with the content, the TUF version with every signature; that is
 * also at least the time in seconds, so that it goes on growing after a restore from a backup.
 */
export function assignmentMaker({ fleet, stores, signer, clock, log }: AssignmentParts): Assignments {
  const { assignments: store, devices } = stores;
  const documents = publishedDocuments(stores.trust);
  const turns = new Map<string, Promise<unknown>>();
  const epochs = epochsOfStored();

  /** One at a time per device: two contacts at once must not sign one version twice. */
  function inTurn<T>(device: string, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(device) ?? Promise.resolve()).then(work, work);
    turns.set(device, turn);
    const forget = () => {
      if (turns.get(device) === turn) turns.delete(device);
    };
    turn.then(forget, forget);
    return turn;
  }

  async function make(id: string, view: DesiredView, carriedUntilMs?: number): Promise<DeviceAssignment> {
    const device = await devices.get(id);
    if (!device) throw new CodedError('DEVICE_UNKNOWN', `no device ${id} is enrolled`);
    const last = await store.get(id);
    const nowMs = clock();
    const installBefore = (carriedUntilMs ?? nowMs) + INSTALL_MS;
    const models = isFrozen(device)
      ? modelsOf(last).map((model) => ({ ...model, installBefore }))
      : await view.modelsFor(id, installBefore);
    const contentHash = assignmentContentHash({ fleet, device: id, models });
    const isSame = last?.contentHash === contentHash && last.generation >= believable(device, last);
    if (
      last &&
      isSame &&
      carriedUntilMs === undefined &&
      last.expiresAtMs - nowMs > RENEW_BEFORE_MS &&
      epochs.of(id, last) === view.directorEpoch
    ) {
      return shown(last);
    }
    const generation = isSame
      ? last.generation
      : Math.max(last?.generation ?? 0, believable(device, last)) + 1;
    const tufVersion = Math.max((last?.tufVersion ?? 0) + 1, Math.floor(nowMs / 1000));
    const expires = nowMs + VALID_MS;
    const header = { fleet, device: id, directorEpoch: view.directorEpoch, generation, tufVersion };
    const content = buildAssignment({ ...header, issuedAt: nowMs, expires, models });
    const document = signDocument(content, [signer]);
    const made = { generation, tufVersion, contentHash, document, expiresAtMs: expires };
    await store.put(id, made, { by: DIRECTOR, atMs: nowMs });
    return shown(made);
  }

  return {
    async assignmentFor(device) {
      return inTurn(device, async () => make(device, await desiredView(stores, documents, signer)));
    },
    async carriedFor(device, untilMs) {
      return inTurn(device, async () => make(device, await desiredView(stores, documents, signer), untilMs));
    },
    async modelsFor(device) {
      return (await desiredView(stores, documents, signer)).modelsFor(device, clock() + INSTALL_MS);
    },
    async assignmentsFor(ids) {
      const made = new Map<string, DeviceAssignment>();
      const view =
        ids.length === 0 ? null : await orWarn(log, {}, () => desiredView(stores, documents, signer));
      if (!view) return made;
      for (const id of ids) {
        const assignment = await orWarn(log, { device: id }, () => inTurn(id, () => make(id, view)));
        if (assignment) made.set(id, assignment);
      }
      return made;
    },
  };
}

async function orWarn<T>(log: Log, about: object, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (err) {
    if (!(err instanceof CodedError)) throw err;
    log.warn({ ...about, component: 'device-contact', code: err.code, err }, 'no assignment');
    return null;
  }
}

/** A copied identity is not trusted with news; what the first device runs must not stop, so nothing changes. */
const isFrozen = (device: Device): boolean => device.status === 'cloned';

const modelsOf = (last: Stored | null): readonly AssignmentModel[] =>
  last ? readStoredAssignment(last.document).models : [];

/** Reads the epoch of a document once: a device that asks again and again is answered with the same one. */
function epochsOfStored() {
  const known = new Map<string, { readonly etag: string; readonly epoch: number }>();
  return {
    of(device: string, last: Stored): number {
      const { etag } = shown(last);
      const found = known.get(device);
      if (found?.etag === etag) return found.epoch;
      const epoch = peekAssignment(last.document).directorEpoch;
      known.set(device, { etag, epoch });
      return epoch;
    },
  };
}

/** After a restore the device may be ahead of us. */
const believable = (device: Device, last: Stored | null): number =>
  device.acceptedGeneration <= (last?.generation ?? 0) + MAX_GENERATION_JUMP ? device.acceptedGeneration : 0;

const shown = ({ generation, tufVersion, document }: Stored): DeviceAssignment => ({
  generation,
  tufVersion,
  document,
  etag: `${generation}.${tufVersion}`,
});
