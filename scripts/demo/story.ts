import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { readClientLog } from './client-log.ts';
import { CUT_OFF, type DemoFleet } from './fleet.ts';
import { type DeviceView, type RolloutView, until } from './fleet-api.ts';
import { type DemoOptions, pairOf } from './options.ts';
import { PROGRAMS, type Processes } from './processes.ts';
import type { Teller } from './report.ts';
import { MODEL, READABLE_IMAGES, sourceOf } from './sources.ts';

const CUT_MS = 10_000;
const INSTALL_MS = 60_000;
const ROLLOUT_MS = 90_000;

/** The eight steps, told as they happen. Every check that fails throws with what was expected. */
export class Story {
  readonly #fleet: DemoFleet;
  readonly #processes: Processes;
  readonly #tell: Teller;
  readonly #options: DemoOptions;
  readonly #plan: string;

  constructor(fleet: DemoFleet, processes: Processes, tell: Teller, options: DemoOptions) {
    this.#fleet = fleet;
    this.#processes = processes;
    this.#tell = tell;
    this.#options = options;
    this.#plan = join(fleet.dir, 'plan.yaml');
  }

  get clientLog(): string {
    return join(this.#fleet.dir, 'client', 'log.ndjson');
  }

  async play(): Promise<void> {
    await this.#startFleet();
    await this.#firstRelease();
    await this.#startClient();
    await this.#goodRelease();
    await this.#secondRelease();
    if (!this.#options.isShort) {
      await this.#hangingRelease();
      await this.#cutOff();
    }
    await this.#allReportsArrived();
  }

  async #startFleet(): Promise<void> {
    this.#tell.step(
      1,
      'A fleet server and four agents, in two rings: canary (1 device) and fleet (3 devices).',
    );
    await this.#fleet.startServer();
    await this.#fleet.cli(
      ...['trust', 'init', '--dir', this.#trustDir, '--model', MODEL],
      ...['--online-key', join(this.#fleet.dir, 'server', 'keys', 'online.pub.json')],
    );
    await this.#fleet.cli('trust', 'publish', '--dir', this.#trustDir);
    await this.#fleet.cli('ring', 'set', 'canary', '--order', '1', '--selector', 'stage=canary');
    await this.#fleet.cli('ring', 'set', 'fleet', '--order', '2', '--selector', 'stage=fleet');
    await this.#fleet.startAgents();
    this.#tell.say(
      `enrolled over TLS with a token each ring: ${this.#fleet.devices.map((d) => d.id).join(', ')}`,
    );
  }

  async #firstRelease(): Promise<void> {
    this.#tell.step(2, `${MODEL} 1.0.0, int8, signed with a publisher key that the server never sees.`);
    await this.#publish('1.0.0');
    for (const ring of ['canary', 'fleet']) {
      await this.#fleet.cli('ring', 'assign', ring, `${MODEL}@1.0.0`, ...BEFORE_ANY_TRAFFIC);
    }
    await this.#everyDevice('runs 1.0.0, committed', (device) => runs(device, '1.0.0'));
    this.#tell.say('all four agents verified, proved and committed it by themselves');
  }

  async #startClient(): Promise<void> {
    this.#tell.step(
      3,
      'An independent client sends labelled images to every agent, without pause, to the end.',
    );
    const folder = join(this.#fleet.dir, 'client');
    mkdirSync(folder, { recursive: true });
    const targets = join(folder, 'targets.json');
    writeFileSync(
      targets,
      JSON.stringify(
        this.#fleet.devices.map(({ id, http, socket }) => ({ device: id, http, socket, model: MODEL })),
      ),
    );
    await this.#processes.start('client', PROGRAMS.client, [READABLE_IMAGES, this.clientLog, targets]);
    await until('the client has answers from every agent', 15_000, async () =>
      this.#fleet.devices.every((d) => (this.#figures().get(d.id)?.answers ?? 0) > 0) ? true : null,
    );
  }

  async #goodRelease(): Promise<void> {
    this.#tell.step(4, '1.1.0 is better: canary, gate on evidence, fleet.');
    await this.#publish('1.1.0');
    const rollout = await this.#rollOut('1.1.0');
    expectThat(rollout.state === 'completed', `1.1.0 goes through, but the rollout is ${describe(rollout)}`);
    for (const ring of rollout.rings) {
      this.#tell.say(`ring ${ring.plan.ring}: ${ring.gate?.verdict} - ${ring.gate?.sentence}`);
      this.#tell.say(`  what that can show: ${ring.gate?.claim}`);
    }
    await this.#everyDevice('runs 1.1.0', (device) => runs(device, '1.1.0'));
  }

  async #secondRelease(): Promise<void> {
    const { second } = this.#options;
    const isGood = second.kind === 'rebuilt';
    this.#tell.step(5, SECOND[second.kind]);
    if (second.kind === 'pair') {
      const [a, b] = pairOf(second.seed);
      this.#tell.say(`seed ${second.seed}: every ${a} was labelled ${b}`);
    }
    await this.#publish('1.2.0');
    const rollout = await this.#rollOut('1.2.0');
    if (isGood) {
      expectThat(
        rollout.state === 'completed',
        `1.2.0 goes through, but the rollout is ${describe(rollout)}`,
      );
      await this.#everyDevice('runs 1.2.0', (device) => runs(device, '1.2.0'));
      this.#tell.say('it went through, as it must: nothing was held against it but evidence');
      return;
    }
    await this.#heldBack(rollout, '1.2.0');
  }

  async #hangingRelease(): Promise<void> {
    this.#tell.step(6, '1.3.0 never returns from some images.');
    await this.#publish('1.3.0');
    const rollout = await this.#rollOut('1.3.0');
    await this.#heldBack(rollout, '1.3.0');
    const canary = this.#figures().get('meter-01');
    expectThat((canary?.fallbacks ?? 0) > 0, 'a request that hung was answered by the previous release');
    this.#tell.say(
      `requests that hung and were answered by the previous release: ${canary?.fallbacks}; ` +
        `the slowest took ${Math.round(canary?.slowestMs ?? 0)} ms, and the caller waits 10 s`,
    );
  }

  async #heldBack(rollout: RolloutView, version: string): Promise<void> {
    expectThat(rollout.state === 'halted', `${version} is stopped, but the rollout is ${describe(rollout)}`);
    this.#tell.say(`stopped on the canary: ${rollout.reason}`);
    const good = await this.#runningEverywhere();
    this.#tell.say(`every device runs ${good}; the fleet ring never saw ${version}`);
  }

  async #cutOff(): Promise<void> {
    this.#tell.step(7, `${CUT_OFF} is cut off from the server for ${CUT_MS / 1000} seconds.`);
    const before = this.#figures().get(CUT_OFF)?.answers ?? 0;
    const cutAtMs = Date.now();
    this.#fleet.cutLink();
    await until(`the server sees ${CUT_OFF} offline`, CUT_MS, async () =>
      (await this.#device(CUT_OFF)).isConnected ? null : true,
    );
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, cutAtMs + CUT_MS - Date.now())));
    const mendAtMs = Date.now();
    const during = (this.#figures().get(CUT_OFF)?.answers ?? 0) - before;
    expectThat(during > 0, `${CUT_OFF} goes on answering while cut off`);
    this.#fleet.mendLink();
    await until(`${CUT_OFF} is back`, 30_000, async () =>
      (await this.#device(CUT_OFF)).isConnected ? true : null,
    );
    const stored = await until('the stored reports arrive', 30_000, async () => {
      const reports = await this.#fleet.api.get<{ items: readonly { atMs: number }[] }>(
        `/api/v1/devices/${CUT_OFF}/reports?stream=tele&limit=200`,
      );
      const count = reports.items.filter((report) => report.atMs > cutAtMs && report.atMs < mendAtMs).length;
      return count > 0 ? count : null;
    });
    this.#tell.say(
      `it answered ${during} requests meanwhile; ${stored} stored reports arrived when the link was back`,
    );
  }

  async #allReportsArrived(): Promise<void> {
    const sinceMs = Date.now();
    await this.#everyDevice(
      'has reported once more',
      (device) => device.isConnected && lastSeen(device) > sinceMs,
    );
  }

  async #publish(version: string): Promise<void> {
    const source = sourceOf(version, this.#options.second, this.#fleet.dir);
    const out = join(this.#fleet.dir, 'releases');
    await this.#fleet.cli('release', 'build', source, '--out', out);
    const dist = join(out, `${MODEL}-${version}`);
    await this.#fleet.cli('release', 'sign', dist, '--trust', this.#trustDir);
    await this.#fleet.cli('release', 'publish', dist, '--trust', this.#trustDir);
    this.#tell.say(`built, signed and published ${MODEL} ${version}`);
  }

  async #rollOut(version: string): Promise<RolloutView> {
    writeFileSync(this.#plan, stringify(PLAN));
    const printed = await this.#fleet.cli(
      'rollout',
      'start',
      `${MODEL}@${version}`,
      '--plan',
      this.#plan,
      '--json',
    );
    const { id } = JSON.parse(printed) as { id: string };
    return until(`the rollout of ${version} ends`, ROLLOUT_MS, async () => {
      const rollout = await this.#fleet.api.rollout(id);
      return ENDED.has(rollout.state) ? rollout : null;
    });
  }

  async #everyDevice(what: string, isTrue: (device: DeviceView) => boolean): Promise<void> {
    await until(`every device ${what}`, INSTALL_MS, async () => {
      const devices = await this.#fleet.api.devices();
      return devices.length === this.#fleet.devices.length && devices.every(isTrue) ? true : null;
    });
  }

  /** Waits until all devices rest on one and the same committed version, and returns it. */
  async #runningEverywhere(): Promise<string> {
    return until('all devices rest on one release', INSTALL_MS, async () => {
      const versions = new Set<string>();
      for (const device of await this.#fleet.api.devices()) {
        const model = device.models.find((m) => m.model === MODEL);
        versions.add(model?.phase === 'idle' && model.isCommitted ? (model.running?.version ?? '') : '');
      }
      const [only] = versions;
      return versions.size === 1 && only ? only : null;
    });
  }

  async #device(id: string): Promise<DeviceView> {
    return this.#fleet.api.get<DeviceView>(`/api/v1/devices/${id}`);
  }

  #figures() {
    return readClientLog(this.clientLog, Date.now());
  }

  get #trustDir(): string {
    return join(this.#fleet.dir, 'publisher');
  }
}

/** Short soaks are the plan's choice; the code's own defaults stay as they are. */
const PLAN = {
  apiVersion: 'ringfleet/v1',
  kind: 'RolloutPlan',
  metadata: { name: 'demo' },
  spec: {
    soak: { for: '5s', minInferences: 100, deadline: '2m' },
    rings: ['canary', 'fleet'].map((ring) => ({
      ring,
      bake: '3s',
      minProven: ring === 'canary' ? 1 : 3,
      minExercised: 1,
      minExecuted: 1,
      maxFailureRatio: '5%',
      maxFailures: 0,
      deadline: '5m',
      approval: false,
      onFailure: 'rollbackRing',
    })),
  },
};

/** The first release has nobody to answer yet: the devices commit it on time alone. */
const BEFORE_ANY_TRAFFIC = ['--soak', '2s', '--min-inferences', '0', '--soak-deadline', '1m'];

const ENDED = new Set(['completed', 'completedWithStragglers', 'halted', 'paused', 'aborted', 'superseded']);

const SECOND = {
  merged:
    '1.2.0 was trained with a few labels merged. It loads, has the right shapes and passes its own samples.',
  rebuilt: '1.2.0 is 1.1.0 built again.',
  pair: '1.2.0 was trained with one pair of labels merged. It loads and passes its own samples.',
} as const;

function runs(device: DeviceView, version: string): boolean {
  const model = device.models.find((m) => m.model === MODEL);
  return model?.running?.version === version && model.isCommitted && model.phase === 'idle';
}

const lastSeen = (device: DeviceView): number =>
  (device as DeviceView & { lastSeenAtMs: number }).lastSeenAtMs;

const describe = (rollout: RolloutView): string =>
  `${rollout.state} (${rollout.reasonCode}: ${rollout.reason})`;

function expectThat(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`expected: ${what}`);
}
