import { CodedError } from '@ringfleet/shared/errors';
import type { Hello } from '@ringfleet/shared/protocol';
import type { Assignment } from '@ringfleet/shared/trust';
import type { RingPlan, Rollout } from '../../fleet-server/src/core/domain.ts';
import { FaultCounts, type Trouble, troubleOf } from './faults.ts';
import { FleetLedger, slowMembers } from './fleet-ledger.ts';
import { ServerDied } from './mortal-stores.ts';
import type { Production } from './production.ts';
import { Publisher } from './publisher.ts';
import { Random } from './random.ts';
import type { SimRelease } from './releases.ts';
import { checkStep } from './rollout-invariants.ts';
import type { Backup } from './server-disk.ts';
import type { SimAgent } from './sim-agent.ts';
import { SimDevice } from './sim-device.ts';
import { SimServer } from './sim-server.ts';
import { Timeline } from './timeline.ts';
import type { Session } from './uplink.ts';
import { require } from './violation.ts';

const START_MS = Date.parse('2030-01-01T00:00:00Z');
const LOOK_GATHER_MS = [10_000, 90_000] as const;
const PUSH_GATHER_MS = 1_000;

export interface WorldOptions {
  readonly seed: number;
  readonly production: Production;
  /** Called with each line of the history; null: nobody reads it. */
  readonly onLine: ((line: string) => void) | null;
}

/** One server, its devices and everything between them, in virtual time: what happens follows from the seed alone. */
export class World {
  readonly fleet = 'sim';
  readonly random: Random;
  readonly production: Production;
  readonly timeline = new Timeline(START_MS);
  readonly trouble: Trouble;
  readonly faults = new FaultCounts();
  readonly publisher = new Publisher(START_MS);
  readonly ledger = new FleetLedger();
  readonly devices = new Map<string, SimDevice>();
  readonly server: SimServer;
  /** Rollout → its plan as it was written. */
  readonly plans = new Map<string, readonly RingPlan[]>();
  isFaulty = true;
  /** Tries of a release on a device that came to an end, whichever. */
  deviceUpdates = 0;
  hasRestored = false;
  readonly #onLine: WorldOptions['onLine'];
  #sessions = 0;
  #isLooking = false;
  #isPushing = false;
  /** What persons do when the server is back: what it never heard of, or forgot, is done again. */
  onServerStart: () => Promise<void> = async () => undefined;
  #backups: Backup[] = [];

  constructor({ seed, production, onLine }: WorldOptions) {
    this.random = new Random(seed);
    this.production = production;
    this.#onLine = onLine;
    this.trouble = troubleOf(this.random);
    this.server = new SimServer({
      fleet: this.fleet,
      production,
      clock: () => this.timeline.nowMs,
      onStep: (before, step, fleet, rings) => {
        const { nowMs } = this.timeline;
        this.#sayStep(before, step.rollout, step.events);
        const members = slowMembers(rings, fleet.devices);
        const ledgers = new Map([...this.devices].map(([id, { ledger }]) => [id, ledger]));
        checkStep({ before, step, fleet, members, plans: this.plans.get(before.id) ?? [], ledgers, nowMs });
      },
    });
  }

  say(line: () => string): void {
    if (!this.#onLine) return;
    const seconds = ((this.timeline.nowMs - START_MS) / 1000).toFixed(1);
    this.#onLine(`${seconds.padStart(9)} s  ${line()}`);
  }

  releaseBy(digest: string): SimRelease {
    return this.publisher.releaseBy(digest);
  }

  addDevice(id: string): SimDevice {
    const device = new SimDevice(this, id);
    this.devices.set(id, device);
    return device;
  }

  /** A message on the network: lost, doubled or late as luck has it; late ones overtake each other. */
  send(deliver: () => void | Promise<void>): void {
    const { random, trouble, faults, isFaulty } = this;
    if (isFaulty && random.chance(trouble.lost)) {
      faults.note('message lost');
      return;
    }
    const isDoubled = isFaulty && random.chance(trouble.doubled);
    if (isDoubled) faults.note('message doubled');
    for (let i = 0; i < (isDoubled ? 2 : 1); i++) {
      const isLate = isFaulty && random.chance(trouble.late);
      if (isLate) faults.note('message late');
      this.timeline.in(random.between(20, 400) + (isLate ? random.between(0, 60_000) : 0), deliver);
    }
  }

  connect(agent: SimAgent, hello: Hello, answered: (session: Session | null) => void): void {
    this.#sessions += 1;
    const session = { serial: this.#sessions };
    const { device } = agent;
    const text = JSON.stringify(hello);
    const isHere = (): boolean => device.agent === agent && device.isOnline && !device.isRevoked;
    this.timeline.in(this.random.between(50, 500), async () => {
      const isGreeted =
        isHere() &&
        ((await this.onServer(() => this.server.greet(device.id, JSON.parse(text), session))) ?? false);
      if (!isHere()) {
        // Gone meanwhile: it tries again when it is back.
        if (device.agent === agent && !device.isRevoked) device.guard(() => answered(null));
        return;
      }
      device.guard(() => answered(isGreeted ? session : null));
      if (isGreeted) await this.#push([device.id]);
    });
  }

  /** The device is gone from this session; the server may notice much later. */
  endSession(device: SimDevice, session: Session): void {
    this.timeline.in(this.random.between(100, 60_000), async () => {
      await this.onServer(() => this.server.hangUp(device.id, session));
    });
  }

  async receive(device: SimDevice, session: Session, text: string): Promise<void> {
    if (device.isRevoked) return;
    const acks = await this.onServer(() => this.server.receive(device.id, text));
    for (const ack of acks ?? []) {
      this.send(() => {
        const { agent } = device;
        if (agent && device.isOnline && agent.uplink.session === session)
          device.guard(() => agent.uplink.acknowledged(ack));
      });
    }
    if (acks) this.lookSoon();
  }

  async poll(device: SimDevice): Promise<void> {
    if (device.isRevoked) return;
    const made = await this.onServer(() => this.server.poll(device.id));
    if (made) this.#deliver(device, made.document);
  }

  lookSoon(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.timeline.in(this.random.between(...LOOK_GATHER_MS), () => {
      this.#isLooking = false;
      return this.look();
    });
  }

  async look(): Promise<void> {
    await this.onServer(async () => {
      if (await this.server.look()) await this.changed();
    });
  }

  /** To be called after everything that may change what devices are to run. */
  async changed(): Promise<void> {
    const { raw } = this.server;
    const [rings, devices, assignments] = [
      await raw.rings.list(),
      await raw.devices.all(),
      await raw.rings.assignments(),
    ];
    this.ledger.note(slowMembers(rings, devices), assignments);
    this.pushSoon();
  }

  pushSoon(): void {
    if (this.#isPushing) return;
    this.#isPushing = true;
    this.timeline.in(PUSH_GATHER_MS, async () => {
      this.#isPushing = false;
      await this.#push([...this.server.connections.keys()]);
    });
  }

  /** Exposure: a release turns up on a device only where its ring was given it. */
  onAccepted(device: SimDevice, { models }: Assignment): void {
    for (const { model, version, manifestSha256 } of models) {
      require('exposesOnlyOpenedRings', this.ledger.isAllowed(
        device.id,
        model,
        `sha256:${manifestSha256}`,
      ), () => `${device.id} was given ${model} ${version}, and no ring that it was in ever ran that`);
    }
  }

  /** Runs something of the server's; its death on the way ends everything it did. What people would be told is swallowed. */
  async onServer<T>(work: () => Promise<T>): Promise<T | null> {
    if (!this.server.isUp) return null;
    try {
      return await work();
    } catch (err) {
      if (err instanceof ServerDied) this.endServer();
      else if (!(err instanceof CodedError)) throw err;
      else this.say(() => `server answers ${err.code}: ${err.message}`);
      return null;
    }
  }

  backup(): void {
    if (!this.server.isUp) return;
    this.#backups = [...this.#backups.slice(-2), this.server.disk.backup(this.timeline.nowMs)];
  }

  /** `isRestored`: it comes back from its oldest backup, whatever the odds of this history. */
  endServer(isRestored = false): void {
    const { random, trouble, server, timeline } = this;
    this.faults.note('server died');
    this.say(() => 'server died');
    server.stop();
    for (const { agent } of this.devices.values()) {
      if (agent) timeline.in(random.between(100, 30_000), () => agent.disconnected());
    }
    const lucky =
      random.chance(trouble.restored) && this.#backups.length > 0 ? random.pick(this.#backups) : null;
    const backup = isRestored ? (this.#backups[0] ?? null) : lucky;
    timeline.in(random.between(2_000, 300_000), async () => {
      if (backup && (isRestored || this.isFaulty)) {
        this.faults.note('server restored from backup');
        this.say(
          () =>
            `server comes back from a backup of ${Math.round((timeline.nowMs - backup.atMs) / 60_000)} min ago`,
        );
        server.restore(backup);
        this.hasRestored = true;
      }
      server.start();
      await this.onServer(() => this.onServerStart());
      await this.onServer(() => this.changed());
      this.lookSoon();
    });
  }

  /** After everything that happened: does every device that is up answer as it must? */
  checkServing(): void {
    for (const { agent } of this.devices.values()) {
      for (const machine of agent?.machines ?? []) machine.checkServing();
    }
  }

  close(): void {
    for (const device of this.devices.values()) device.close();
    this.server.disk.close();
  }

  async #push(ids: readonly string[]): Promise<void> {
    await this.onServer(async () => {
      for (const [id, { document }] of await this.server.offers(ids)) {
        const device = this.devices.get(id);
        if (device) this.#deliver(device, document);
      }
    });
  }

  #deliver(device: SimDevice, document: string): void {
    this.send(() => {
      const { agent } = device;
      if (agent && device.isOnline) device.guard(() => agent.uplink.offered(document));
    });
  }

  #sayStep(
    before: Rollout,
    rollout: Rollout,
    events: readonly { readonly code: string; readonly sentence: string }[],
  ): void {
    for (const { sentence } of events)
      this.say(() => `rollout ${rollout.model} ${rollout.version}: ${sentence}`);
    if (rollout.state !== before.state)
      this.say(() => `rollout ${rollout.model} ${rollout.version} is ${rollout.state}`);
  }
}
