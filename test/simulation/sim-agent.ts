import { CodedError } from '@ringfleet/shared/errors';
import type { Telemetry } from '@ringfleet/shared/protocol';
import { peekAssignment } from '@ringfleet/shared/trust';
import type { Desired } from '../../agent/src/core/assignment-plan.ts';
import { unchangedModels } from '../../agent/src/core/unchanged-models.ts';
import type { LastEnd } from '../../agent/src/core/update-events.ts';
import { runningOf } from '../../agent/src/core/update-reports.ts';
import { emptyState, type UpdateState } from '../../agent/src/core/update-state.ts';
import { AgentDied } from './agent-died.ts';
import { acceptsOnlyNewer } from './device-invariants.ts';
import type { Fault } from './faults.ts';
import type { SimDevice } from './sim-device.ts';
import { SimJournal } from './sim-journal.ts';
import { SimMachine } from './sim-machine.ts';
import { Uplink } from './uplink.ts';
import type { World } from './world.ts';

const HEARTBEAT_MS = 30 * 60_000;

/** One process of the agent, from its start to its end: machines, accepted assignment, heartbeats, outbox. */
export class SimAgent {
  readonly device: SimDevice;
  readonly world: World;
  readonly journal: SimJournal;
  readonly uplink: Uplink;
  readonly instance: string;
  readonly #machines = new Map<string, SimMachine>();
  readonly #lastEnd: LastEnd;
  #desired: Desired | null;
  #beatMs: number;
  #acceptedText: string | null = null;

  constructor(device: SimDevice, lastEnd: LastEnd) {
    this.device = device;
    this.world = device.world;
    this.instance = this.world.random.uuid();
    this.#lastEnd = lastEnd;
    this.journal = new SimJournal(device.disk, lastEnd);
    this.#desired = this.journal.opened.desired;
    this.#beatMs = this.trueMs;
    this.uplink = new Uplink(this);
    for (const state of this.journal.opened.machines) {
      this.#machines.set(state.model, new SimMachine(this, state));
    }
  }

  get trueMs(): number {
    return this.world.timeline.nowMs;
  }

  get nowMs(): number {
    return Math.max(0, this.trueMs + this.device.clockOffMs);
  }

  get hasServer(): boolean {
    return this.device.isOnline && this.world.server.isUp;
  }

  get generation(): number {
    return this.#desired?.generation ?? 0;
  }

  get desired(): Desired | null {
    return this.#desired;
  }

  get machines(): readonly SimMachine[] {
    return [...this.#machines.values()];
  }

  states(): UpdateState[] {
    return this.machines.map((one) => one.state);
  }

  resume(): void {
    for (const machine of this.machines) machine.resume(this.#lastEnd);
    this.#plan();
    this.uplink.start();
    this.later(HEARTBEAT_MS * this.world.random.next(), () => this.#beat());
  }

  later(delayMs: number, work: () => void): void {
    this.world.timeline.in(delayMs, () => {
      if (this.device.agent === this) this.device.guard(work);
    });
  }

  /** A point at which the process may end: before and after everything durable. */
  mayDie(fault: Fault): void {
    const { isFaulty, random, trouble } = this.world;
    if (!isFaulty || !random.chance(trouble.death)) return;
    throw new AgentDied(random.chance(0.3) ? 'device lost its power' : fault);
  }

  killedBy(model: string): void {
    this.device.killed(model);
    throw new AgentDied('agent killed by a release');
  }

  disconnected(): void {
    this.uplink.disconnected();
  }

  onTransition({ phase }: UpdateState): void {
    this.uplink.kick();
    if (phase === 'soaking' || phase === 'idle' || phase === 'empty') this.heartbeat();
    if (phase === 'idle' || phase === 'empty') this.#plan();
  }

  /** Takes a document that came with a hint or by asking. False when it was refused. */
  take(document: string): boolean {
    try {
      this.#accept(document);
      return true;
    } catch (err) {
      if (!(err instanceof CodedError)) throw err;
      this.world.say(() => `${this.device.id} refuses an assignment: ${err.code}`);
      return false;
    }
  }

  /** Writes what was answered since the last one; a full disk takes none, and the counts wait. */
  heartbeat(): void {
    if (this.device.isDiskFull) return;
    this.mayDie('device died before a save');
    const [from, to] = [this.#beatMs, this.trueMs];
    this.#beatMs = to;
    this.journal.writeTelemetry(this.nowMs, this.#telemetry(from, to));
    this.uplink.kick();
    this.mayDie('device died after a save');
  }

  #beat(): void {
    this.heartbeat();
    this.later(HEARTBEAT_MS, () => this.#beat());
  }

  #plan(): void {
    if (!this.#desired) return;
    for (const { model, event } of this.world.production.planOf(this.#desired, this.states(), this.nowMs)) {
      let machine = this.#machines.get(model);
      if (!machine) {
        machine = new SimMachine(this, emptyState(model, event.nowMs));
        this.#machines.set(model, machine);
      }
      machine.dispatch(event);
    }
  }

  /** What AssignmentIntake and the trust store do together, with the publisher's metadata of this moment. */
  #accept(document: string): void {
    const { world, device, journal } = this;
    // The very text that was accepted last, by this process: most hints and answers are.
    if (document === this.#acceptedText) return;
    const last = journal.accepted();
    const peeked = peekAssignment(document);
    if (last && peeked.tufVersion === last.tufVersion && peeked.generation === last.generation) return;
    const assignment = world.production.verifyAssignment(world.publisher.root, document, {
      device: device.id,
      fleet: world.fleet,
      nowMs: this.nowMs,
      last,
    });
    const unchanged = unchangedModels(assignment, this.#desired);
    const models = assignment.models.flatMap((model) => {
      try {
        const alone = { ...assignment, models: [model] };
        return world.production.crossCheck(alone, world.publisher.roles, journal.floors());
      } catch (err) {
        const old = unchanged.get(model.model);
        if (!(err instanceof CodedError) || !old) throw err;
        return [old];
      }
    });
    acceptsOnlyNewer(device.id, last, assignment);
    world.onAccepted(device, assignment);
    this.mayDie('device died before a save');
    if (device.isDiskFull) throw new CodedError('STATE_NOT_WRITABLE', 'simulated');
    const { directorEpoch, tufVersion, generation, contentHash } = assignment;
    const desired = { generation, models };
    journal.accept({ directorEpoch, tufVersion, generation, contentHash }, desired, this.nowMs);
    this.mayDie('device died after a save');
    this.#desired = desired;
    this.#acceptedText = document;
    this.#plan();
  }

  #telemetry(from: number, to: number): Telemetry {
    const models = this.machines
      .filter(({ state }) => state.phase !== 'empty' || state.isAssigned)
      .map(({ state, routed }) => {
        const running = runningOf(state);
        const minutes = (to - from) / 60_000;
        const isRouted = running !== undefined && running.digest === routed;
        const answers = isRouted ? Math.round(minutes * this.device.trafficOf(state.model)) : 0;
        if (running) this.device.ledger.answered(state.model, running.digest, answers);
        return {
          model: state.model,
          phase: state.phase,
          ...(running ? { running } : {}),
          isCommitted: running !== undefined && running.digest === state.committed?.digest,
          answers,
          failures: 0,
          rejected: 0,
          fallbacks: 0,
          runnerRestarts: 0,
          latencyUs: [],
          features: [],
        };
      });
    const device = { uptimeMs: 0, rssBytes: 1, cpuMs: 1, memoryFreeBytes: 1, diskFreeBytes: 1, load1: 0 };
    const { rows, bytes, dropped } = this.journal.outbox.stats();
    return { from, to, device, outbox: { rows, bytes, dropped }, models };
  }
}
