import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Capabilities, Envelope, ModelTelemetry, StateReport, Stream } from '@ringfleet/shared/protocol';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { MqttBus } from '../../agent/src/adapters/bus-mqtt.ts';
import { DeviceHttp } from '../../agent/src/adapters/device-http.ts';
import { enroll } from '../../agent/src/adapters/enroll.ts';
import { readIdentity } from '../../agent/src/adapters/identity.ts';
import { digestOf, MODEL } from './seeded-fleet.ts';
import type { ServerProcess } from './server-process.ts';

const CONNECT_DEADLINE_MS = 20_000;

const CAPABILITIES: Capabilities = {
  agentVersion: '0.1.0',
  arch: 'x64',
  os: 'linux',
  hostname: 'simulated',
  cpus: 4,
  memoryBytes: 1_000_000_000,
  diskFreeBytes: 1_000_000_000,
  runtime: { name: 'onnxruntime', version: '1.30.0' },
  providers: [{ name: 'cpu', state: 'ok' }],
};

/** A device that speaks the real protocol through the agent's own adapters, and says what the test tells it to say. */
export class SimulatedDevice {
  readonly id: string;
  readonly #stateDir: string;
  readonly #journal = uuidv7();
  readonly #seq: Record<Stream, number> = { state: 0, event: 0, tele: 0 };
  #bus: MqttBus | null = null;

  private constructor(id: string, stateDir: string) {
    this.id = id;
    this.#stateDir = stateDir;
  }

  /** Enrolls with a new token that puts the device into `stage`. */
  static async enroll(
    server: ServerProcess,
    id: string,
    stage: string,
    folder: string,
  ): Promise<SimulatedDevice> {
    const labels = { stage };
    const made = (await server.call('POST', 'tokens/enrollment', { name: id, labels })) as { token: string };
    const stateDir = join(folder, id);
    await mkdir(stateDir, { recursive: true });
    await enroll({ stateDir, token: made.token, id, capabilities: CAPABILITIES });
    return new SimulatedDevice(id, stateDir);
  }

  async connect(): Promise<void> {
    const identity = await readIdentity(this.#stateDir);
    const bus = new MqttBus({
      identity,
      mqttUrl: identity.mqttUrl,
      apiUrl: identity.apiUrl,
      maxReconnectMs: 1_000,
      nowMs: () => Date.now(),
      log: pino({ level: 'silent' }),
    });
    this.#bus = bus;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.id} got no connection`)), CONNECT_DEADLINE_MS);
      bus.start({
        connected() {
          clearTimeout(timer);
          resolve();
        },
        disconnected() {},
        failed() {},
        desired() {},
        ack() {},
        command() {},
        notice() {},
      });
    });
    await bus.hello({
      v: 1,
      at: Date.now(),
      journal: this.#journal,
      start: 1,
      instance: uuidv7(),
      capabilities: CAPABILITIES,
      generation: 0,
      models: [],
      oldest: { state: 0, event: 0, tele: 0 },
    });
  }

  /** A transition of the update machine. `runs` is what answers, `candidate` what it is busy with. */
  async reports(
    phase: StateReport['phase'],
    { runs, candidate, failure }: { runs: string; candidate?: string; failure?: StateReport['failure'] },
  ): Promise<void> {
    const about = candidate ?? runs;
    await this.#send('state', {
      model: MODEL,
      phase,
      from: 'idle',
      generation: 1,
      attempt: 1,
      release: { version: about, digest: digestOf(about) },
      running: running(runs),
      isCommitted: phase !== 'soaking',
      since: Date.now(),
      ...(failure ? { failure } : {}),
    } satisfies StateReport);
  }

  /** A heartbeat of a committed release: what makes it proven. */
  async beats(runs: string, answers: number): Promise<void> {
    const model: ModelTelemetry = {
      model: MODEL,
      phase: 'idle',
      running: running(runs),
      isCommitted: true,
      answers,
      failures: 0,
      rejected: 0,
      fallbacks: 0,
      runnerRestarts: 0,
      latencyUs: [],
      features: [],
    };
    const now = Date.now();
    await this.#send('tele', {
      from: now - 1_000,
      to: now,
      device: { uptimeMs: 1, rssBytes: 1, cpuMs: 1, memoryFreeBytes: 1, diskFreeBytes: 1, load1: 0 },
      outbox: { rows: 0, bytes: 0, dropped: 0 },
      models: [model],
    });
  }

  /** One request at the devices' door, whatever comes of it. */
  async knocks(): Promise<void> {
    const identity = await readIdentity(this.#stateDir);
    const http = new DeviceHttp(identity, identity.apiUrl, { nowMs: Date.now });
    await http.assignment(null, AbortSignal.timeout(CONNECT_DEADLINE_MS)).catch(() => undefined);
    http.close();
  }

  async disconnect(): Promise<void> {
    await this.#bus?.stop();
    this.#bus = null;
  }

  async #send(stream: Stream, body: unknown): Promise<void> {
    this.#seq[stream] += 1;
    const id = { journal: this.#journal, start: 1, stream, seq: this.#seq[stream] };
    const envelope: Envelope = { v: 1, id, at: Date.now() + this.#seq[stream], body };
    await this.#bus?.report(envelope);
  }
}

const running = (version: string) => ({ version, digest: digestOf(version), variant: 'int8-cpu' });
