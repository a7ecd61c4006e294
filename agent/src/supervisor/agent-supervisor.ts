import type { DeviceHealth, EventReport, RunningDigest, Telemetry } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';
import { type Desired, planOf } from '../core/assignment-plan.ts';
import type { DeviceFacts } from '../core/constraints.ts';
import { mergeTelemetry } from '../core/outbox-policy.ts';
import { eventOfDowngrade } from '../core/provider-choice.ts';
import { runningOf } from '../core/update-reports.ts';
import { emptyState, type UpdateState } from '../core/update-state.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engines } from '../ports/engines.ts';
import type { Journal, Opened } from '../ports/journal.ts';
import type { Router } from '../ports/router.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Slots } from '../ports/slots.ts';
import type { TrustStore } from '../ports/trust-store.ts';
import type { UpdatePolicy } from '../ports/update-policy.ts';
import { ColdSwitch } from './cold-switch.ts';
import { type DiskTrouble, DiskWatch } from './disk-watch.ts';
import { GarbageCollector } from './garbage.ts';
import { MemoryRoom } from './memory-room.ts';
import { ModelSupervisor } from './model-supervisor.ts';
import type { ReleaseFetcher } from './release-fetcher.ts';
import { RunnerKeeper } from './runner-keeper.ts';
import { TelemetryCollector } from './telemetry.ts';

export interface AgentSupervisorOptions {
  readonly opened: Opened;
  readonly journal: Journal;
  readonly runtime: Runtime;
  readonly router: Router;
  readonly slots: Slots;
  readonly blobs: BlobStore;
  /** Absent where no provider compiles anything. */
  readonly engines?: Engines;
  readonly fetcher: ReleaseFetcher;
  readonly clock: Clock;
  readonly log: Logger;
  readonly facts: () => Promise<DeviceFacts>;
  readonly policy: UpdatePolicy;
  readonly memoryFreeBytes: () => number;
  /** How the machine is; asked once a heartbeat. */
  readonly health?: () => Promise<DeviceHealth>;
  /** A person is bringing files for a release that is not assigned yet. */
  readonly isImporting?: () => boolean;
  /** Whether the release before the committed one of a model stays loaded. */
  readonly keepsPrevious?: (model: string) => boolean;
  readonly trust: Pick<TrustStore, 'confirm'>;
  /** There are new rows in the outbox. */
  readonly onReports: () => void;
  /** Whether what is written now is sent at once. */
  readonly isOnline?: () => boolean;
}

/** All models of the device: their machines, steered by the accepted assignment, and the heartbeat over them. */
export class AgentSupervisor {
  readonly #options: AgentSupervisorOptions;
  readonly #models = new Map<string, ModelSupervisor>();
  readonly #telemetry: TelemetryCollector;
  readonly #garbage: GarbageCollector;
  readonly #room: MemoryRoom;
  readonly #cold: ColdSwitch;
  readonly #disk: DiskWatch;
  #desired: Desired | null;
  #heartbeats: Promise<void> = Promise.resolve();
  #unwritten: Telemetry | null = null;
  #isStopped = false;

  constructor(options: AgentSupervisorOptions) {
    this.#options = options;
    this.#desired = options.opened.desired;
    this.#telemetry = new TelemetryCollector(options.router, options.clock.nowMs());
    this.#disk = new DiskWatch(() => options.clock.nowMs());
    if (options.opened.isVolatile) this.#disk.failed('start', 'all is in memory since this start');
    this.#room = new MemoryRoom(options.memoryFreeBytes);
    const { slots, blobs, engines, fetcher, log, isImporting = () => false } = options;
    this.#garbage = new GarbageCollector({
      slots,
      blobs,
      engines,
      fetcher,
      log,
      isImporting,
      states: () => this.states(),
    });
    this.#cold = new ColdSwitch({
      log,
      heartbeat: () => this.heartbeat(),
      baselineOf: (runner) => this.#telemetry.baselineOf(runner),
      report: (body) => this.report(body),
    });
    for (const state of options.opened.machines) this.#add(state);
  }

  get generation(): number {
    return this.#desired?.generation ?? 0;
  }

  /** Why the state folder takes no writes; null when it does. */
  get diskTrouble(): DiskTrouble | null {
    return this.#disk.trouble;
  }

  states(): UpdateState[] {
    return [...this.#models.values()].map((one) => one.state);
  }

  running(): { model: string; running?: RunningDigest }[] {
    return this.states()
      .filter(isKnown)
      .map((state) => {
        const running = runningOf(state);
        return running ? { model: state.model, running } : { model: state.model };
      });
  }

  /** Model → the provider that its answering release runs on. */
  providers(): Readonly<Record<string, string>> {
    const found = [...this.#models].flatMap(([model, { keeper }]) => {
      const active = keeper.routedRunner()?.provider?.active;
      return active ? [[model, active] as const] : [];
    });
    return Object.fromEntries(found);
  }

  /** Takes up every saved machine; committed releases are started before anything else, without any network. */
  async resume(): Promise<void> {
    const { opened } = this.#options;
    await Promise.all([...this.#models.values()].map((one) => one.resume(opened.lastEnd)));
    this.#plan();
  }

  /** Resolves when all that is committed answers, or the signal is aborted. */
  async untilServing(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#models.values()].map((one) => one.keeper.untilServing(signal)));
  }

  /** What should be done about a runner and is not, in words; null when all have been acted upon. */
  neglected(): string | null {
    if (this.#isStopped) return null;
    for (const { keeper } of this.#models.values()) {
      const neglect = keeper.neglected();
      if (neglect !== null) return neglect;
    }
    return null;
  }

  follow(desired: Desired): void {
    this.#desired = desired;
    this.#plan();
  }

  /** A hold was set or released: whatever waits looks again. */
  policyChanged(): void {
    for (const one of this.#models.values()) one.nudge();
  }

  async report(body: EventReport): Promise<void> {
    const { journal, clock, onReports } = this.#options;
    await journal.save({ atMs: clock.nowMs(), reports: [{ stream: 'event', body }] });
    onReports();
  }

  /** Writes one heartbeat. Windows follow each other without a gap, so they are made one at a time. */
  heartbeat(): Promise<void> {
    const { journal, clock, log, onReports, facts, health } = this.#options;
    this.#heartbeats = this.#heartbeats
      .then(async () => {
        if (this.#isStopped) return;
        const sources = [...this.#models.values()]
          .filter((one) => isKnown(one.state))
          .map((one) => {
            const routed = one.keeper.routedRunner();
            const isSame = routed?.spec.digest === runningOf(one.state)?.digest;
            return { state: one.state, runner: isSame ? routed : null };
          });
        const [stats, { diskFreeBytes }, machine] = await Promise.all([journal.stats(), facts(), health?.()]);
        const body = await this.#telemetry.collect(sources, stats, diskFreeBytes, clock.nowMs(), machine);
        await this.#write(body);
        onReports();
      })
      .catch((err: unknown) => log.error({ err, component: 'heartbeat' }, 'heartbeat cannot be written'));
    return this.#heartbeats;
  }

  /** What a full disk did not take is added to the next heartbeat: counts are not lost, they become coarser. */
  async #write(body: Telemetry): Promise<void> {
    const { journal, clock, isOnline } = this.#options;
    const whole = (this.#unwritten && mergeTelemetry(this.#unwritten, body)) ?? body;
    this.#unwritten = whole;
    try {
      await journal.writeTelemetry(clock.nowMs(), whole, isOnline?.() ?? false);
    } catch (err) {
      this.#disk.failed('heartbeat', err);
      throw err;
    }
    this.#disk.worked('heartbeat');
    this.#unwritten = null;
  }

  async stop(): Promise<void> {
    // While the runners can still tell what they counted.
    await this.heartbeat();
    this.#isStopped = true;
    await Promise.all([...this.#models.values()].map((one) => one.stop()));
  }

  #plan(): void {
    if (!this.#desired || this.#isStopped) return;
    for (const { model, event } of planOf(this.#desired, this.states(), this.#options.clock.nowMs())) {
      const supervisor = this.#models.get(model) ?? this.#add(emptyState(model, event.nowMs));
      void supervisor.dispatch(event);
    }
  }

  #add(initial: UpdateState): ModelSupervisor {
    const { model } = initial;
    const { journal, runtime, router, slots, fetcher, clock, log, facts, policy, memoryFreeBytes, trust } =
      this.#options;
    if (isKnown(initial)) router.clear(model);
    const supervisor = new ModelSupervisor({
      initial,
      journal,
      clock,
      log,
      keepsPrevious: this.#options.keepsPrevious?.(model) ?? false,
      makeKeeper: (onExit) =>
        new RunnerKeeper({
          model,
          runtime,
          router,
          slots,
          clock,
          log,
          room: this.#room,
          onExit,
          beforeCold: (release) => this.#cold.before(model, release, supervisor.keeper.routedRunner()),
          onDowngrade: (release, outcome) => {
            this.report(eventOfDowngrade(model, release.version, outcome)).catch((err: unknown) =>
              log.error({ err, component: 'keeper', model }, 'event cannot be saved'),
            );
          },
        }),
      work: {
        model,
        fetcher,
        slots,
        router,
        clock,
        log,
        disk: this.#disk,
        facts,
        policy,
        memoryFreeBytes,
        trust,
        beforeSwitch: () => this.heartbeat(),
        baselineOf: (runner) => this.#cold.baselineOf(model, runner),
        collectGarbage: () => this.#garbage.collect(),
      },
      onTransition: (state) => this.#onTransition(state),
    });
    this.#models.set(model, supervisor);
    return supervisor;
  }

  #onTransition(state: UpdateState): void {
    this.#options.onReports();
    // What answers has changed: the server sees it at once, not after a period.
    if (state.phase === 'soaking' || state.phase === 'idle' || state.phase === 'empty') void this.heartbeat();
    if (state.phase === 'empty') this.#cold.forget(state.model);
    if (state.phase === 'idle' || state.phase === 'empty') this.#plan();
  }
}

const isKnown = (state: UpdateState): boolean => state.phase !== 'empty' || state.isAssigned;
