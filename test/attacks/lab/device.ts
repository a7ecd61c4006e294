import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { pino } from 'pino';
import { FsBlobStore } from '../../../agent/src/adapters/blobs-fs.ts';
import { cronCalendar } from '../../../agent/src/adapters/cron-calendar.ts';
import { FsSlots } from '../../../agent/src/adapters/slots-fs.ts';
import { systemClock } from '../../../agent/src/adapters/system-clock.ts';
import type { DeviceApi } from '../../../agent/src/ports/device-api.ts';
import type { Save } from '../../../agent/src/ports/journal.ts';
import { createRouter } from '../../../agent/src/serving/router.ts';
import { LabRunner } from '../../../agent/src/supervisor/agent-lab.fixture.ts';
import { AgentSupervisor } from '../../../agent/src/supervisor/agent-supervisor.ts';
import { AssignmentIntake } from '../../../agent/src/supervisor/assignment-intake.ts';
import { RateLimiter } from '../../../agent/src/supervisor/rate-limiter.ts';
import { ReleaseFetcher } from '../../../agent/src/supervisor/release-fetcher.ts';
import type { OpenJournal } from './journal.ts';

/** After so many failures of the network the device is said to wait. */
const PATIENCE = 3;

export interface DeviceOptions {
  readonly stateDir: string;
  readonly nowMs: () => number;
  readonly api: DeviceApi;
  readonly open: OpenJournal;
  /** How long one attack may take. */
  readonly deadlineMs: number;
}

/** An agent without its front ends: the parts that decide what runs, all real but for the runner's process. */
export class AttackedDevice {
  readonly #supervisor: AgentSupervisor;
  readonly #intake: AssignmentIntake;
  readonly #router = createRouter();
  readonly #open: OpenJournal;
  readonly #settled = Promise.withResolvers<string>();
  readonly #deadlineMs: number;
  #networkFailures = 0;
  #isAccepted = false;
  /** The release that was assigned and accepted last. */
  #wanted: string | null = null;

  constructor({ stateDir, nowMs, api, open, deadlineMs }: DeviceOptions) {
    this.#deadlineMs = deadlineMs;
    const { journal, opened } = open;
    this.#open = open;
    // Waits between tries are as short as they get; what is tried, and how often, stays.
    const clock = { ...systemClock, nowMs, random: () => 0 };
    const log = pino(
      { level: 'info', base: null },
      { write: (line: string) => this.#onLog(JSON.parse(line)) },
    );
    const blobs = new FsBlobStore(join(stateDir, 'blobs'), journal);
    this.#supervisor = new AgentSupervisor({
      opened,
      journal: {
        ...bound(journal),
        save: async (change) => {
          await journal.save(change);
          this.#onSaved(change);
        },
      },
      runtime: { start: (spec) => Promise.resolve(new LabRunner(spec, {})) },
      router: this.#router,
      slots: new FsSlots(join(stateDir, 'slots'), blobs, journal),
      blobs,
      fetcher: new ReleaseFetcher({
        api,
        blobs,
        hasher: journal,
        limiter: new RateLimiter(0, clock),
        clock,
        log,
      }),
      clock,
      log,
      facts: () => Promise.resolve(FACTS),
      policy: { hold: () => null, windows: [], calendar: cronCalendar },
      memoryFreeBytes: () => 1e9,
      trust: journal,
      onReports: () => undefined,
    });
    this.#intake = new AssignmentIntake({
      trust: journal,
      api,
      clock,
      log,
      onAccepted: (desired) => {
        const [model] = desired.models;
        this.#isAccepted = true;
        this.#wanted = model?.version ?? null;
        this.#supervisor.follow(desired);
        const isThere = this.#supervisor.states().some((one) => one.committed?.digest === model?.digest);
        if (model && isThere) this.#settled.resolve('INSTALLED');
      },
      onRefused: (code) => this.#settled.resolve(code),
    });
  }

  /** Takes up what is saved. Resolves when the committed release answers, or says why it cannot. */
  async start(): Promise<string | null> {
    await this.#supervisor.resume();
    const serving = this.#supervisor.untilServing(AbortSignal.timeout(this.#deadlineMs)).then(() => null);
    return Promise.race([serving, this.#settled.promise]);
  }

  /** Asks the server once and follows what comes; `INSTALLED`, `REMOVED`, `UNCHANGED`, `waits: CODE`, `HANGS` or the code of the refusal. */
  async poll(): Promise<string> {
    void this.#intake.poll().then(() => {
      if (!this.#isAccepted) this.#settled.resolve('UNCHANGED');
    });
    return this.#outcome();
  }

  /** The same for a document that comes over MQTT. */
  async offer(document: string): Promise<string> {
    this.#intake.offer(document);
    return this.#outcome();
  }

  /** The version that answers an application. */
  async answer(): Promise<string> {
    const call = { body: Buffer.alloc(0) };
    const signal = AbortSignal.timeout(this.#deadlineMs);
    try {
      const { reply } = await this.#router.answer({ model: 'tiny', call, signal });
      return reply.ok ? Buffer.from(reply.body).toString() : reply.code;
    } catch (err) {
      if (err instanceof CodedError) return err.code;
      throw err;
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.#supervisor.stop(), this.#intake.stop()]);
    await this.#open.journal.close();
  }

  #outcome(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const timer = setTimeout(() => resolve('HANGS'), this.#deadlineMs);
    void this.#settled.promise.then(resolve);
    return promise.finally(() => clearTimeout(timer));
  }

  #onSaved({ reports, state }: Save): void {
    for (const { body } of reports ?? []) {
      if ('failure' in body && body.failure) this.#settled.resolve(body.failure.code);
    }
    if (state?.phase === 'empty' && this.#wanted === null) this.#settled.resolve('REMOVED');
    if (state?.phase === 'idle' && state.committed.version === this.#wanted)
      this.#settled.resolve('INSTALLED');
  }

  /** A network that fails is no refusal: the device waits, which only its log tells. */
  #onLog(record: { component?: string; code?: string; err?: { code?: string }; msg?: string }): void {
    const code = record.code ?? record.err?.code ?? '';
    if (record.msg === 'runner did not start') this.#settled.resolve(code);
    if (record.msg !== 'metadata cannot be fetched, will be tried again') return;
    this.#networkFailures += 1;
    if (this.#networkFailures === PATIENCE) this.#settled.resolve(`waits: ${code}`);
  }
}

/** The journal's methods as plain functions, so that one can be put before another. */
function bound(journal: OpenJournal['journal']): OpenJournal['journal'] {
  return {
    save: (...args) => journal.save(...args),
    writeTelemetry: (...args) => journal.writeTelemetry(...args),
    window: (...args) => journal.window(...args),
    acknowledge: (...args) => journal.acknowledge(...args),
    stats: () => journal.stats(),
    oldest: () => journal.oldest(),
    lastStored: () => journal.lastStored(),
    close: () => journal.close(),
    refreshRoot: (...args) => journal.refreshRoot(...args),
    confirm: (release) => journal.confirm(release),
    kept: () => journal.kept(),
    verifyWipe: (...args) => journal.verifyWipe(...args),
    inspect: (...args) => journal.inspect(...args),
    accept: (...args) => journal.accept(...args),
    takeBundle: (...args) => journal.takeBundle(...args),
    timeBasis: () => journal.timeBasis(),
    acceptTime: (...args) => journal.acceptTime(...args),
    sha256OfFile: (...args) => journal.sha256OfFile(...args),
  };
}

const FACTS = {
  arch: 'x64',
  os: 'linux',
  providers: ['cpu'],
  runtime: '1.30.0',
  memoryBytes: 1e9,
  diskFreeBytes: 1e9,
  diskReserveBytes: 0,
};
