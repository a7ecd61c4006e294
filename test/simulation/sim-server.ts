import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type Ack, checkerOf, Envelope, Hello } from '@ringfleet/shared/protocol';
import { storesOn } from '../../fleet-server/src/adapters/store-sqlite/index.ts';
import type { Principal, Ring, Rollout } from '../../fleet-server/src/core/domain.ts';
import type { Order } from '../../fleet-server/src/core/rollout/orders.ts';
import { type FleetState, type Step, snapshotOf } from '../../fleet-server/src/core/rollout/snapshot.ts';
import {
  type Assignments,
  assignmentMaker,
  type DeviceAssignment,
} from '../../fleet-server/src/device-contact/assignments.ts';
import { SILENT } from '../../fleet-server/src/ports/log.ts';
import type { Change, Stores } from '../../fleet-server/src/ports/stores.ts';
import {
  activeRollouts,
  loadFleetState,
  loadSnapshot,
} from '../../fleet-server/src/rollout-engine/fleet-state.ts';
import { saveStep } from '../../fleet-server/src/rollout-engine/save-step.ts';
import { type Fuse, mortalStores } from './mortal-stores.ts';
import type { Production } from './production.ts';
import { DIRECTOR } from './publisher.ts';
import { type Backup, ServerDisk } from './server-disk.ts';
import type { Session } from './uplink.ts';
import { require } from './violation.ts';

const ENGINE: Principal = { kind: 'system', name: 'rollout-engine', role: 'admin' };
const MOST_STEPS = 20;

export interface SimServerOptions {
  readonly fleet: string;
  readonly production: Production;
  readonly clock: () => number;
  /** After every step of a rollout that was saved, with what really stood in the store when it was decided. */
  readonly onStep: (before: Rollout, step: Step, fleet: FleetState, rings: readonly Ring[]) => void;
}

interface Connection {
  readonly session: Session;
  sentEtag: string | null;
}

const checkHello = checkerOf(Hello, 'hello');
const checkEnvelope = checkerOf(Envelope, 'envelope');

/** The fleet server: production stores on SQLite in memory, assignments, ticks and orders; dies and comes back. */
export class SimServer {
  readonly disk = new ServerDisk();
  readonly fuse: Fuse = { callsLeft: null };
  readonly connections = new Map<string, Connection>();
  readonly #options: SimServerOptions;
  /** What really stands in the databases; invariants look here. */
  raw!: Stores;
  /** The same as this start of the server sees it. */
  stores!: Stores;
  #assignments!: Assignments;
  isUp = false;

  constructor(options: SimServerOptions) {
    this.#options = options;
    this.start();
  }

  start(): void {
    const { production, clock, fleet } = this.#options;
    this.fuse.callsLeft = null;
    this.raw = storesOn(this.disk.control, this.disk.telemetry, { log: SILENT, clock });
    this.stores = mortalStores(production.stores(this.raw), this.fuse);
    this.#assignments = assignmentMaker({ fleet, stores: this.stores, signer: DIRECTOR, clock, log: SILENT });
    this.isUp = true;
  }

  stop(): void {
    this.isUp = false;
    this.connections.clear();
  }

  restore(backup: Backup): void {
    this.disk.restore(backup);
  }

  change(by: Principal): Change {
    return { by, atMs: this.#options.clock() };
  }

  async enroll(device: string, by: Principal): Promise<void> {
    const change = this.change(by);
    const secretHash = createHash('sha256').update(`${device} ${change.atMs}`).digest('hex');
    const notAfterMs = change.atMs + 1_000_000_000;
    const token = {
      name: `${device}-${change.atMs}`,
      secretHash,
      labels: {},
      uses: 1,
      expiresAtMs: notAfterMs,
    };
    await this.stores.tokens.createEnrollment(token, change);
    await this.stores.devices.enroll(
      { id: device, secretHash, certSerial: `serial-${device}`, notAfterMs, capabilities: null },
      change,
    );
  }

  /** A device connected and said hello. False: it was refused. */
  async greet(device: string, hello: unknown, session: Session): Promise<boolean> {
    const nowMs = this.#options.clock();
    if ((await this.stores.devices.hello(device, checkHello(hello), nowMs)) === 'clone') return false;
    this.connections.set(device, { session, sentEtag: null });
    await this.stores.devices.setConnected(device, true, nowMs);
    return true;
  }

  /** What connected devices are to be sent: assignments that they were not sent last. */
  async offers(devices: readonly string[]): Promise<readonly (readonly [string, DeviceAssignment])[]> {
    const made = await this.#assignments.assignmentsFor(devices.filter((id) => this.connections.has(id)));
    return [...made].filter(([device, { etag }]) => {
      const connection = this.connections.get(device);
      if (!connection || connection.sentEtag === etag) return false;
      connection.sentEtag = etag;
      return true;
    });
  }

  async poll(device: string): Promise<DeviceAssignment> {
    return this.#assignments.assignmentFor(device);
  }

  async hangUp(device: string, session: Session): Promise<void> {
    if (this.connections.get(device)?.session !== session) return;
    this.connections.delete(device);
    await this.stores.devices.setConnected(device, false, this.#options.clock());
  }

  async receive(device: string, text: string): Promise<readonly Ack[]> {
    const envelopes = (JSON.parse(text) as unknown[]).map(checkEnvelope);
    return this.stores.reports.ingest(device, envelopes, this.#options.clock());
  }

  /**
   * One look of the engine at all active rollouts, until none of them moves; true when a ring is to run something else.
   * `between` happens before the save.
   */
  async look(between: () => Promise<void> = async () => undefined): Promise<boolean> {
    const { production, clock } = this.#options;
    let hasMoved = false;
    for (let i = 0; ; i++) {
      const rollouts = await activeRollouts(this.stores);
      if (rollouts.length === 0) return hasMoved;
      const fleet = await loadFleetState(this.stores, rollouts);
      let isAtRest = true;
      for (const rollout of rollouts) {
        const nowMs = clock();
        const snapshot = snapshotOf(rollout, fleet);
        const step = production.tick(snapshot, nowMs);
        if (step.rollout === rollout) continue;
        require('ticksTheSame', isDeepStrictEqual(step, production.tick(snapshot, nowMs)), () =>
          `two ticks on one snapshot of rollout ${rollout.id} decided differently`);
        const real = await this.#reality(rollout);
        await between();
        const outcome = await saveStep(this.stores, rollout, step, { by: ENGINE, atMs: nowMs });
        if (outcome !== 'saved') continue;
        isAtRest = false;
        hasMoved ||= step.assignments.length + step.removals.length > 0;
        this.#options.onStep(rollout, step, ...real);
      }
      if (isAtRest) return hasMoved;
      require('tickComesToRest', i < MOST_STEPS, () =>
        `rollouts still move after ${MOST_STEPS} ticks at one moment`);
    }
  }

  /** A person's order. Throws as the API answers. */
  async order(id: string, order: Order, by: Principal): Promise<void> {
    const snapshot = await loadSnapshot(this.stores, id);
    if (!snapshot) return;
    const change = this.change(by);
    const step = this.#options.production.obey(order, snapshot, by, change.atMs);
    const real = await this.#reality(snapshot.rollout);
    if ((await saveStep(this.stores, snapshot.rollout, step, change)) !== 'saved') return;
    this.#options.onStep(snapshot.rollout, step, ...real);
  }

  async #reality(rollout: Rollout): Promise<[FleetState, readonly Ring[]]> {
    return [await loadFleetState(this.raw, [rollout]), await this.raw.rings.list()];
  }
}
