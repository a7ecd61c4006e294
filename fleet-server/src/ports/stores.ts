import type { Ack, Capabilities, Envelope, Hello } from '@ringfleet/shared/protocol';
import type {
  Device,
  DeviceHold,
  DeviceModel,
  FleetEvent,
  Principal,
  Release,
  Ring,
  RingAssignment,
  Role,
  Rollout,
} from '../core/domain.ts';
import type { IdentityStore } from './identity-store.ts';
import type { IntakeNote, QuarantinedReport, ReportGap, ReportTally, TallyOfFleet } from './intake.ts';
import type { PendingStore } from './pending-store.ts';
import type { PeopleStore, SessionStore } from './people.ts';
import type { RefusalStore } from './refusal-store.ts';
import type { TelemetryStore } from './telemetry.ts';
import type { WebhookStore } from './webhooks.ts';

/** Opaque cursors; `next` is null at the end. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}
export interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Who did it and when; every mutating method writes its audit row, and its fleet event, in the same transaction. */
export interface Change {
  readonly by: Principal;
  readonly atMs: number;
}

export type NewEvent = Omit<FleetEvent, 'seq' | 'atMs'>;

/** Inventory and identities. */
export interface DeviceStore {
  /**
   * Uses up one admission of the token whose sha256 is `secretHash` and creates the device with the token's labels.
   * With a token that is bound to a device, the new board takes that identity over: history and labels stay, every earlier
   * certificate is revoked. Throws TOKEN_UNKNOWN, TOKEN_EXPIRED, TOKEN_USED_UP, TOKEN_BOUND, DEVICE_EXISTS. One transaction.
   */
  enroll(
    request: {
      id: string;
      secretHash: string;
      certSerial: string;
      notAfterMs: number;
      capabilities: Capabilities | null;
    },
    change: Change,
  ): Promise<Device>;
  get(id: string): Promise<Device | null>;
  list(query: PageQuery & { ring?: string | undefined; search?: string | undefined }): Promise<Page<Device>>;
  /** All active devices with labels and capabilities; what ring membership is computed from. */
  all(): Promise<readonly Device[]>;
  setLabels(id: string, labels: Record<string, string>, change: Change): Promise<Device>;
  /** Null takes it back. The same again changes nothing. */
  setHold(id: string, hold: DeviceHold | null, change: Change): Promise<Device>;
  /** `http`: it has no MQTT and is heard of by its requests. */
  setConnected(id: string, isConnected: boolean, atMs: number, via?: 'mqtt' | 'http'): Promise<void>;
  /**
   * Stores the newest hello; answers 'clone' when another instance under this identity is alive. Who looks like a restart
   * is one, unless the known instance has just answered (`isRivalAlive`).
   */
  hello(id: string, hello: Hello, atMs: number, isRivalAlive?: boolean): Promise<'ok' | 'clone'>;
  /**
   * Stores a hello that was carried by hand, unless the device is known by a newer one. Nobody is connected by it, so it
   * neither finds nor clears a clone. Throws DEVICE_UNKNOWN.
   */
  carriedHello(id: string, hello: Hello, atMs: number): Promise<'stored' | 'older'>;
  isCertificateValid(id: string, serial: string): Promise<boolean>;
  models(device?: string): Promise<readonly DeviceModel[]>;
}

export interface StoredReport {
  readonly journal: string;
  readonly start: number;
  readonly stream: string;
  readonly seq: number;
  readonly atMs: number;
  readonly receivedAtMs: number;
  readonly body: unknown;
}

/**
 * Reports of devices. `ingest` stores each envelope under (device, journal, start, stream, seq) once, updates the device's
 * models and the roll-ups, quarantines what does not fit, and returns the acknowledgements: all in one transaction, which
 * has been committed when the promise resolves. What was wrong is counted once. Counts of a release that nobody published
 * here are left out of the roll-ups. Throws DEVICE_UNKNOWN, DEVICE_REVOKED. The same report again is acknowledged again and changes nothing.
 */
export interface ReportStore {
  ingest(device: string, envelopes: readonly Envelope[], receivedAtMs: number): Promise<readonly Ack[]>;
  /** What has been settled of the journal that the device speaks of: its newest 256 sequences, each as in an answer. */
  acknowledgements(device: string): Promise<readonly Ack[]>;
  list(device: string, query: PageQuery & { stream?: string | undefined }): Promise<Page<StoredReport>>;
  /** Reports that are kept aside, newest first; of one device its newest 1 000 at most. */
  quarantined(
    query: PageQuery & { device?: string | undefined; code?: string | undefined },
  ): Promise<Page<QuarantinedReport>>;
  /** Counts what happened to reports on their way here: those that could not be read, or were slowed down. */
  note(notes: readonly IntakeNote[]): Promise<void>;
  /** What was wrong with a device's reports, newest first, and which have not come although later ones have. */
  intakeOf(device: string): Promise<{ tallies: readonly ReportTally[]; gaps: readonly ReportGap[] }>;
  intakeOfFleet(): Promise<readonly TallyOfFleet[]>;
}

export interface RingStore {
  list(): Promise<readonly Ring[]>;
  /** Creates or replaces; `ifRevision` guards against two operators (REVISION_CONFLICT). */
  put(ring: Omit<Ring, 'revision'>, ifRevision: number | null, change: Change): Promise<Ring>;
  remove(name: string, change: Change): Promise<void>;
  assignments(): Promise<readonly RingAssignment[]>;
  /** Direct assignment outside of a rollout. Throws RING_UNKNOWN, RELEASE_UNKNOWN, RELEASE_YANKED. */
  assign(assignment: Omit<RingAssignment, 'sinceMs'>, change: Change): Promise<void>;
}

export interface ReleaseStore {
  list(query: PageQuery & { model?: string | undefined }): Promise<Page<Release>>;
  get(model: string, version: string): Promise<Release | null>;
  /** Registers a verified release with its manifest. The same name and version with other bytes: RELEASE_CONFLICT. */
  add(release: Release, manifest: Uint8Array, change: Change): Promise<void>;
  manifest(model: string, version: string): Promise<Uint8Array | null>;
  yank(model: string, version: string, change: Change): Promise<Release>;
}

export interface RolloutStore {
  list(
    query: PageQuery & { model?: string | undefined; active?: boolean | undefined },
  ): Promise<Page<Rollout>>;
  get(id: string): Promise<Rollout | null>;
  /** Throws ROLLOUT_CONFLICT while another active rollout of the model shares a ring. */
  create(rollout: Rollout, change: Change, events: readonly NewEvent[]): Promise<void>;
  /**
   * Compare-and-set on the revision: stores the rollout, ring assignments it makes, audit entry and events in one
   * transaction. Answers 'stale' when someone else was first; the caller reads again. `removals` takes the assignment
   * of a model away from a ring: a rollback where the ring ran nothing of it before.
   */
  save(
    rollout: Rollout,
    assignments: readonly Omit<RingAssignment, 'sinceMs'>[],
    events: readonly NewEvent[],
    change: Change,
    removals?: readonly { readonly ring: string; readonly model: string }[],
  ): Promise<'saved' | 'stale'>;
}

/** One signed assignment per device, made lazily on contact. */
export interface AssignmentStore {
  get(device: string): Promise<{
    generation: number;
    tufVersion: number;
    contentHash: string;
    document: string;
    expiresAtMs: number;
  } | null>;
  put(
    device: string,
    assignment: {
      generation: number;
      tufVersion: number;
      contentHash: string;
      document: string;
      expiresAtMs: number;
    },
    change: Change,
  ): Promise<void>;
}

export interface EventStore {
  append(events: readonly NewEvent[], atMs: number): Promise<void>;
  /** Events with seq > after, oldest first. */
  after(seq: number, limit: number): Promise<readonly FleetEvent[]>;
  list(
    query: PageQuery & { device?: string | undefined; rollout?: string | undefined },
  ): Promise<Page<FleetEvent>>;
  /** Calls back after every commit that appended events; returns the unsubscribe. */
  onAppend(listener: () => void): () => void;
}

/** One place in the audit log: the hash (hex) covers that row and everything before it. */
export interface AuditMark {
  readonly seq: number;
  readonly hash: string;
}

export interface AuditProblem {
  readonly code:
    | 'AUDIT_ROW_CHANGED'
    | 'AUDIT_ROW_MISSING'
    | 'AUDIT_TAIL_MISSING'
    | 'AUDIT_REWRITTEN'
    | 'AUDIT_CHECKPOINT_INVALID';
  /** The first row concerned. */
  readonly seq: number;
}

export interface AuditStore {
  list(
    query: PageQuery,
  ): Promise<
    Page<{ seq: number; atMs: number; by: string; action: string; target: string; detail: unknown }>
  >;
  /** The newest row; null while there is none. */
  head(): Promise<AuditMark | null>;
  /** Computes the whole chain again, from its first row, and compares it with marks taken earlier. */
  verify(
    marks: readonly AuditMark[],
  ): Promise<{ rows: number; head: AuditMark | null; problem: AuditProblem | null }>;
}

/** What an enrollment token admits to. */
export interface TokenAdmission {
  readonly labels: Record<string, string>;
  /** The one identity it is bound to; null: a new device. */
  readonly device: string | null;
  readonly needsApproval: boolean;
}

export interface TokenStore {
  /** Enrollment tokens: only the secret's sha256 is kept. */
  createEnrollment(
    token: {
      name: string;
      secretHash: string;
      labels: Record<string, string>;
      uses: number;
      expiresAtMs: number;
      device?: string;
      needsApproval?: boolean;
    },
    change: Change,
  ): Promise<void>;
  /** Looks without using it up. Throws TOKEN_UNKNOWN, TOKEN_EXPIRED, TOKEN_USED_UP. */
  admission(secretHash: string, nowMs: number): Promise<TokenAdmission>;
  listEnrollment(query: PageQuery): Promise<
    Page<{
      name: string;
      labels: Record<string, string>;
      usesLeft: number;
      expiresAtMs: number;
      createdAtMs: number;
    }>
  >;
  /**
   * API tokens: of scripts, with a name and a role of their own, or of a person, which act as that person and never allow
   * more than they may. Throws TOKEN_EXISTS.
   */
  createApi(
    token: {
      name: string;
      secretHash: string;
      role: Role;
      expiresAtMs: number | null;
      person?: string | null;
    },
    change: Change,
  ): Promise<void>;
  /** Notes the use, to the minute. */
  findApi(secretHash: string, nowMs: number): Promise<Principal | null>;
  listApi(query: PageQuery): Promise<Page<ApiToken>>;
  /** Ends the token and the sessions opened with it. Throws API_TOKEN_UNKNOWN. */
  revokeApi(name: string, change: Change): Promise<void>;
}

export interface ApiToken {
  readonly name: string;
  readonly role: Role;
  readonly person: string | null;
  /** The person behind `createdBy`: whoever uses the token counts as them. Null: nobody known. */
  readonly owner: string | null;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly lastUsedAtMs: number | null;
}

/** Signed TUF metadata by role, every version kept. */
export interface TrustStore {
  /** The newest signed document of a role (`root`, `targets`, `m.<model>`), or one version of it. */
  get(role: string, version?: number): Promise<string | null>;
  /** Stores an already verified document; a version that is not newer is METADATA_NOT_NEWER unless bytes are equal. */
  put(role: string, version: number, document: string, change: Change): Promise<void>;
}

/** Content-addressed files, streamed. */
export interface BlobStore {
  /** Keeps nothing when bytes do not match: DIGEST_MISMATCH, UPLOAD_TOO_LARGE. Idempotent. */
  put(digest: string, bytes: AsyncIterable<Uint8Array>, maxBytes: number): Promise<{ sizeBytes: number }>;
  size(digest: string): Promise<number | null>;
  /** Bytes [start, endInclusive]. Throws BLOB_UNKNOWN. */
  read(digest: string, range?: { start: number; end: number }): AsyncIterable<Uint8Array>;
}

export interface Stores {
  readonly devices: DeviceStore;
  readonly reports: ReportStore;
  readonly telemetry: TelemetryStore;
  readonly rings: RingStore;
  readonly releases: ReleaseStore;
  readonly rollouts: RolloutStore;
  readonly assignments: AssignmentStore;
  readonly events: EventStore;
  readonly audit: AuditStore;
  readonly tokens: TokenStore;
  readonly trust: TrustStore;
  readonly people: PeopleStore;
  readonly sessions: SessionStore;
  readonly identities: IdentityStore;
  readonly pending: PendingStore;
  readonly refusals: RefusalStore;
  readonly webhooks: WebhookStore;
}
