import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { Envelope, MaintenanceWindow, StateReport } from '@ringfleet/shared/protocol';
import type { Manifest } from '@ringfleet/shared/release';
import {
  type AssignmentModel,
  buildAssignment,
  buildModelRole,
  buildRoot,
  buildSnapshot,
  buildTargets,
  buildTimestamp,
  type FileMeta,
  fileMetaOf,
  generateKeyPair,
  type Signer,
  signDocument,
  signerOf,
} from '@ringfleet/shared/trust';
import { pino } from 'pino';
import { FsBlobStore } from '../adapters/blobs-fs.ts';
import { cronCalendar } from '../adapters/cron-calendar.ts';
import { openJournalHere } from '../adapters/journal-here.fixture.ts';
import { FsSlots } from '../adapters/slots-fs.ts';
import { systemClock } from '../adapters/system-clock.ts';
import type { DeviceFacts } from '../core/constraints.ts';
import type { Hold } from '../core/permission.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceApi } from '../ports/device-api.ts';
import type { Runtime } from '../ports/runtime.ts';
import { createRouter } from '../serving/router.ts';
import { AgentSupervisor } from './agent-supervisor.ts';
import { AssignmentIntake } from './assignment-intake.ts';
import type { FaultyPorts } from './faulty-ports.fixture.ts';
import { type Behaviour, LabRunner } from './lab-runner.fixture.ts';
import { RateLimiter } from './rate-limiter.ts';
import { ReleaseFetcher } from './release-fetcher.ts';

const DAY_MS = 86_400_000;
/** What the lab's publisher has roles for. */
const MODELS = ['tiny', 'other'];

export { type Behaviour, LabRunner } from './lab-runner.fixture.ts';

export interface LabStart {
  /** Instead of the lab's own. */
  readonly stateDir?: string;
  /** Of this start of the machine; the kernel's unless said. */
  readonly bootId?: string;
  /** Waits take a few milliseconds, but for the limits of steps: `endHour` ends those. */
  readonly isQuick?: boolean;
  readonly faults?: FaultyPorts;
}

const LIMIT_MS = 600_000;
const QUICK_MS = 3;

/** A publisher and a server in memory, and whole agents on a state folder. */
export class AgentLab {
  readonly stateDir: string;
  readonly behaviours = new Map<string, Behaviour>();
  readonly started: LabRunner[] = [];
  readonly #files = new Map<string, Buffer>();
  readonly #releases: {
    model: string;
    version: string;
    releaseCounter: number;
    length: number;
    sha256: string;
  }[] = [];
  readonly #director = signer();
  readonly #publisher = signer();
  readonly #root: Signer;
  /** Digests by version. */
  readonly #weights = new Map<string, string>();
  readonly #metadata = new Map<string, string>();
  #tufVersion = 0;
  #viewVersion = 0;
  #view: Readonly<Record<string, FileMeta>> = {};
  #roleVersion = 0;
  #counter = 0;
  /** The publisher's floor in what is published from now on. */
  floor = 1;
  /** Makes the server answer nothing. */
  isOffline = false;
  /** What the device has, where it differs from the lab's. */
  facts: Partial<DeviceFacts> = {};
  hold: Hold | null = null;
  windows: MaintenanceWindow[] = [];
  /** Without any runner of this device. */
  memoryFreeBytes = 1e9;
  /** What each living runner takes of it. */
  runnerBytes = 0;
  /** No process can be started on this machine. */
  startsNothing = false;
  /** As a site asks for it that declares the previous release as fallback. */
  keepsPrevious = false;
  /** Ends the hour that a step of an update may take. */
  hourOver = new AbortController();
  /** How many steps are under way that have a limit. */
  limits = 0;
  /** Where every download breaks off. */
  breaksAt = Number.POSITIVE_INFINITY;
  /** The version whose weights never arrive, and never fail either. */
  stuck: string | null = null;
  /** Every download takes a breath in the middle. */
  pausesMidway = false;
  /** What was asked for, and from which byte on. */
  readonly asked: { digest: string; from: number }[] = [];
  /** Changes what is sent for a digest. */
  tamper: ((bytes: Buffer) => Buffer) | null = null;

  constructor(stateDir: string) {
    this.stateDir = stateDir;
    this.#root = signer();
    const keys = (one: Signer) => ({ keys: [one.publicKey], threshold: 1 });
    const root = signDocument(
      buildRoot({
        version: 1,
        expires: Date.now() + DAY_MS,
        isDevelopment: true,
        root: keys(this.#root),
        targets: keys(this.#root),
        snapshot: keys(this.#director),
        timestamp: keys(this.#director),
        director: { ...keys(this.#director), epoch: 1 },
      }),
      [this.#root],
    );
    mkdirSync(join(stateDir, 'trust'), { recursive: true });
    writeFileSync(join(stateDir, 'trust', 'root.json'), root);
    const models = MODELS.map((model) => ({ model, ...keys(this.#publisher) }));
    const targets = buildTargets({ version: 1, expires: Date.now() + DAY_MS, models });
    this.#sign('targets', signDocument(targets, [this.#root]));
  }

  /** Publishes a release; each has weights of its own. */
  publish(version: string, behaviour: Behaviour = {}, changes: Partial<Manifest> = {}): void {
    const weights = this.#put(Buffer.from(`weights of ${version} ${'x'.repeat(5000)}`));
    const sample = this.#put(Buffer.from('sample'));
    const manifest: Manifest = {
      ...MANIFEST,
      version,
      files: [
        { path: 'model.onnx', ...weights },
        { path: 'conformance/000.req', ...sample },
      ],
      ...changes,
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    const { sha256, sizeBytes } = this.#put(bytes);
    this.behaviours.set(version, behaviour);
    this.#counter += 1;
    const releaseCounter = this.#counter;
    const { model } = manifest;
    this.#weights.set(version, weights.sha256);
    const again = this.#releases.findIndex((one) => one.version === version);
    if (again >= 0) this.#releases.splice(again, 1);
    this.#releases.push({ model, version, releaseCounter, length: sizeBytes, sha256: sha256.slice(7) });
    this.publishAgain();
  }

  /** A file that releases may have in common. */
  shared(text: string): { readonly sha256: string; readonly sizeBytes: number } {
    return this.#put(Buffer.from(text));
  }

  /** Signs the releases that there are once more, with the floor of today. */
  publishAgain(): void {
    this.#roleVersion += 1;
    for (const model of MODELS) {
      const role = {
        model,
        version: this.#roleVersion,
        expires: Date.now() + DAY_MS,
        minReleaseCounter: this.floor,
        releases: this.#releases.filter((one) => one.model === model),
      };
      this.#sign(`m.${model}`, signDocument(buildModelRole(role), [this.#publisher]));
    }
  }

  /** Publishes a targets role, and the view of which it is a part now. */
  #sign(role: string, text: string): void {
    const expires = Date.now() + DAY_MS;
    const meta = fileMetaOf(text);
    this.#metadata.set(`${meta.version}.${role}.json`, text);
    this.#view = { ...this.#view, [`${role}.json`]: meta };
    this.#viewVersion += 1;
    const version = this.#viewVersion;
    const snapshot = signDocument(buildSnapshot({ version, expires, meta: this.#view }), [this.#director]);
    this.#metadata.set(`${version}.snapshot.json`, snapshot);
    const timestamp = buildTimestamp({ version, expires, snapshot: fileMetaOf(snapshot) });
    this.#metadata.set('timestamp.json', signDocument(timestamp, [this.#director]));
  }

  /** Publishes a second root that names `targets` for the targets role, signed by the first root's key or a stranger. */
  publishRoot(targets: Signer, signedBy: Signer = this.#root): void {
    const keys = (one: Signer) => ({ keys: [one.publicKey], threshold: 1 });
    const part = buildRoot({
      version: 2,
      expires: Date.now() + DAY_MS,
      isDevelopment: true,
      root: keys(this.#root),
      targets: keys(targets),
      snapshot: keys(this.#director),
      timestamp: keys(this.#director),
      director: { ...keys(this.#director), epoch: 1 },
    });
    this.#metadata.set('2.root.json', signDocument(part, [signedBy]));
  }

  /** A signed assignment of one release, or of nothing. */
  assignment(
    generation: number,
    version: string | null,
    terms: Partial<AssignmentModel> = {},
    signedBy: Signer = this.#director,
  ): string {
    return this.assignmentOf(generation, version === null ? {} : { [version]: terms }, signedBy);
  }

  /** A signed assignment of these releases, by version, each under its terms. */
  assignmentOf(
    generation: number,
    wanted: Readonly<Record<string, Partial<AssignmentModel>>>,
    signedBy: Signer = this.#director,
  ): string {
    this.#tufVersion += 1;
    const models = Object.entries(wanted).flatMap(([version, terms]): AssignmentModel[] => {
      const release = this.#releases.find((one) => one.version === version);
      if (!release) return [];
      return [
        {
          model: release.model,
          version: release.version,
          manifestLength: release.length,
          manifestSha256: release.sha256,
          releaseCounter: release.releaseCounter,
          variants: ['cpu'],
          mode: 'run',
          attempt: 0,
          soakMs: 50,
          minInferences: 3,
          soakDeadlineMs: 60_000,
          installBefore: Date.now() + DAY_MS,
          ...terms,
        },
      ];
    });
    const now = Date.now();
    const content = {
      fleet: 'lab',
      device: 'd-1',
      directorEpoch: 1,
      generation,
      tufVersion: this.#tufVersion,
      issuedAt: now,
      expires: now + DAY_MS,
      models,
    };
    return signDocument(buildAssignment(content), [signedBy]);
  }

  stranger(): Signer {
    return signer();
  }

  /** Starts an agent on the state folder; what it knew is taken up again. */
  async start(options: LabStart = {}): Promise<LabAgent> {
    const { stateDir = this.stateDir, bootId, faults } = options;
    const log = pino({ level: 'silent' });
    const wrap = <T extends object>(name: string, port: T): T => faults?.wrap(name, port) ?? port;
    const abandoned = new AbortController();
    const isGone = (): boolean => abandoned.signal.aborted || faults?.isDead === true;
    const clock = this.#clock(options.isQuick === true, isGone);
    const place = { stateDir, fleet: 'lab', device: 'd-1', ...(bootId === undefined ? {} : { bootId }) };
    const { journal: real, opened } = await openJournalHere(place);
    const journal = wrap('journal', real);
    const router = createRouter();
    const blobs = wrap('blobs', new FsBlobStore(join(stateDir, 'blobs'), journal));
    const slots = wrap('slots', new FsSlots(join(stateDir, 'slots'), blobs, journal));
    const api = wrap('api', this.#api());
    const device = wrap('device', { facts: async () => ({ ...FACTS, ...this.facts }) });
    const supervisor = new AgentSupervisor({
      opened,
      journal,
      runtime: wrap('runtime', this.#runtime(wrap)),
      router,
      slots,
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
      facts: () => device.facts(),
      policy: { hold: () => this.hold, windows: this.windows, calendar: cronCalendar },
      memoryFreeBytes: () => this.memoryFreeBytes - this.runnerBytes * this.alive().length,
      keepsPrevious: () => this.keepsPrevious,
      trust: journal,
      onReports: () => undefined,
    });
    if (faults) faults.phase = () => supervisor.states()[0]?.phase ?? 'empty';
    const refused: string[] = [];
    const intake = new AssignmentIntake({
      trust: journal,
      api,
      clock,
      log,
      onAccepted: (desired) => supervisor.follow(desired),
      onRefused: (code) => refused.push(code),
    });
    await supervisor.resume();
    const serving = supervisor.untilServing(AbortSignal.timeout(5_000));
    // Whoever was killed meanwhile serves nothing any more.
    await Promise.race(faults?.strike.kind.startsWith('killed') ? [serving, faults.struck] : [serving]);
    return {
      supervisor,
      intake,
      refused,
      isVolatile: opened.isVolatile,
      answer: async (model = 'tiny') => {
        const { reply } = await router.answer({
          model,
          call: { body: Buffer.alloc(0) },
          signal: AbortSignal.timeout(5_000),
        });
        return reply.ok ? Buffer.from(reply.body).toString() : reply.code;
      },
      reports: () => journal.window({ maxRows: 1000, maxBytes: 1e8 }),
      state: () => {
        const [state] = supervisor.states();
        if (!state) throw new Error('no model yet');
        return state;
      },
      stop: async () => {
        await Promise.all([supervisor.stop(), intake.stop()]);
        await journal.close();
      },
      abandon: async () => {
        abandoned.abort();
        await real.close();
      },
    };
  }

  /** The hour that a step may take is over. */
  endHour(): void {
    this.hourOver.abort();
    this.hourOver = new AbortController();
  }

  #clock(isQuick: boolean, isGone: () => boolean): Clock {
    return {
      ...systemClock,
      random: () => 0.02,
      sleep: async (ms, signal) => {
        const isLimit = ms >= LIMIT_MS;
        const ends = isLimit ? AbortSignal.any([signal, this.hourOver.signal]) : signal;
        this.limits += isLimit ? 1 : 0;
        await systemClock.sleep(isQuick && !isLimit ? Math.min(ms, QUICK_MS) : ms, ends);
        this.limits -= isLimit ? 1 : 0;
        // Whoever is dead does not wake up.
        if (isGone()) await new Promise(() => undefined);
      },
    };
  }

  alive(): readonly LabRunner[] {
    return this.started.filter((one) => one.isAlive);
  }

  /** The newest runner of a version. */
  runner(version: string): LabRunner {
    const found = this.started.findLast((one) => one.spec.version === version);
    if (!found) throw new Error(`${version} was never started`);
    return found;
  }

  #runtime(wrap: <T extends object>(name: string, port: T) => T): Runtime {
    return {
      start: (spec, signal) => {
        if (this.startsNothing) return Promise.reject(new CodedError('RUNNER_START_FAILED', 'EAGAIN'));
        const behaviour = this.behaviours.get(spec.version) ?? {};
        const { cannotLoad, neverStarts } = behaviour;
        if (neverStarts)
          return new Promise((_, reject) =>
            signal.addEventListener('abort', () => reject(new CodedError('ABORTED')), { once: true }),
          );
        if (cannotLoad) {
          const code = cannotLoad === true ? 'MODEL_LOAD_FAILED' : cannotLoad;
          return Promise.reject(new CodedError(code, 'not a model'));
        }
        const runner = new LabRunner(spec, behaviour);
        this.started.push(runner);
        return Promise.resolve(wrap(runner.spec.version, runner));
      },
    };
  }

  #api(): DeviceApi {
    const online = (): void => {
      if (this.isOffline) throw new CodedError('SERVER_UNREACHABLE', 'offline');
    };
    return {
      assignment: async () => {
        online();
        return { kind: 'unchanged' };
      },
      metadata: async (file) => {
        online();
        return this.#metadata.get(file) ?? null;
      },
      bringBack: async () => {
        online();
        return false;
      },
      artifact: async (digest, from, signal) => {
        online();
        if (this.stuck !== null && digest === this.#weights.get(this.stuck))
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        const bytes = this.#files.get(digest);
        if (!bytes) throw new CodedError('SERVER_REFUSED', 'no such file');
        const sent = this.tamper?.(bytes) ?? bytes;
        const { breaksAt, pausesMidway } = this;
        this.asked.push({ digest, from });
        return {
          startsAt: from,
          bytes: (async function* () {
            const half = pausesMidway ? Math.max(from, Math.floor(sent.length / 2)) : breaksAt;
            yield sent.subarray(from, half);
            if (pausesMidway) await new Promise((resolve) => setImmediate(resolve));
            if (half < breaksAt) yield sent.subarray(half, breaksAt);
            if (breaksAt < sent.length) throw new CodedError('SERVER_UNREACHABLE', 'the connection broke');
          })(),
        };
      },
      wipeOrder: () => Promise.resolve(null),
      reports: () => Promise.reject(new Error('not used')),
    };
  }

  #put(bytes: Buffer): { sha256: string; sizeBytes: number } {
    const sha256 = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    this.#files.set(sha256, bytes);
    return { sha256, sizeBytes: bytes.length };
  }
}

export interface LabAgent {
  readonly supervisor: AgentSupervisor;
  readonly intake: AssignmentIntake;
  readonly refused: readonly string[];
  readonly isVolatile: boolean;
  /** Asks the model once (`tiny` unless said); answers with the version that answered. */
  answer(model?: string): Promise<string>;
  reports(): Promise<readonly Envelope[]>;
  state(): ReturnType<AgentSupervisor['states']>[number];
  stop(): Promise<void>;
  /** It is dead as far as anybody can see; its files are let go. */
  abandon(): Promise<void>;
}

export const stateReports = (reports: readonly Envelope[]): StateReport[] =>
  reports.filter((one) => one.id.stream === 'state').map((one) => one.body as StateReport);

/** Polls until it is true, or fails after ten seconds. */
export async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await check().valueOf())) {
    if (Date.now() > deadline) throw new Error(`not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const signer = (): Signer => signerOf(generateKeyPair(randomBytes(32)).secretKey);

const FACTS = {
  arch: 'x64',
  os: 'linux',
  providers: ['cpu'],
  runtime: '1.30.0',
  memoryBytes: 1e9,
  diskFreeBytes: 1e9,
  diskReserveBytes: 0,
};

const MANIFEST: Manifest = {
  schema: 'ringfleet/manifest/1',
  model: 'tiny',
  version: '1.0.0',
  createdAt: '2026-01-01T00:00:00.000Z',
  description: '',
  license: '',
  files: [],
  variants: [
    {
      name: 'cpu',
      entry: 'model.onnx',
      files: ['model.onnx'],
      constraints: { providers: ['cpu'] },
      session: {},
      isProven: true,
    },
  ],
  inputs: [{ name: 'x', datatype: 'FP32', axes: [] }],
  outputs: [{ name: 'y', datatype: 'FP32', axes: [] }],
  pre: [],
  post: [],
  features: [],
  conformance: { path: 'conformance', count: 1, tolerances: { absolute: 0, relative: 0 } },
  acceptance: { path: 'conformance', count: 1, metric: 'accuracy', minimum: 0.9 },
  limits: { memoryBytes: 1, loadMs: 1000, inferMs: 1000 },
  lineage: {},
};
