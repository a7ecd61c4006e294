import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeIdentity } from '../../../agent/src/adapters/identity.ts';
import { makeTestCa, type TestCa } from '../../../agent/src/adapters/test-ca.fixture.ts';
import { run, tryRun } from '../../lab/command.ts';
import type { AgentProcess } from './agent-process.ts';
import { Application } from './application.ts';
import { Device } from './device.ts';
import { LabNetwork } from './lab-network.ts';
import { FLEET, Publisher } from './publisher.ts';
import type { RealServer } from './real-server.ts';
import { buildReleases, type LabRelease } from './releases.ts';
import { LabServer } from './server.ts';
import type { Service } from './service.ts';

const LONG_MS = 10 * 365 * 86_400_000;

/** Releases, a server and devices that run 1.0.0; every case starts from a copy of such a device. */
export class Lab {
  readonly dir: string;
  readonly publisher: Publisher;
  readonly server: LabServer;
  readonly application: Application;
  readonly #ca: TestCa;
  readonly #devices = new Map<string, Promise<Device>>();
  readonly #agents = new Set<AgentProcess>();
  #realServer: Promise<RealServer> | null = null;
  #network: Promise<LabNetwork> | null = null;
  #service: Promise<Service> | null = null;

  private constructor(
    dir: string,
    ca: TestCa,
    releases: readonly LabRelease[],
    publisher: Publisher,
    server: LabServer,
  ) {
    this.dir = dir;
    this.#ca = ca;
    this.publisher = publisher;
    this.server = server;
    this.application = new Application(releases);
  }

  /** `more`: further releases, made of those that are built. */
  static async open(more: (built: readonly LabRelease[]) => readonly LabRelease[] = () => []): Promise<Lab> {
    // Short: a Unix socket's path may have 107 bytes.
    const dir = mkdtempSync(join(tmpdir(), 'rff-'));
    // Of its own, and shared: a file system that is unmounted here must not live on in the namespace of another device.
    await run('mount', ['--bind', dir, dir]);
    await run('mount', ['--make-shared', dir]);
    const nowMs = Date.now();
    const dates = { notBefore: new Date(nowMs - 86_400_000), notAfter: new Date(nowMs + LONG_MS) };
    const [ca, built] = await Promise.all([
      makeTestCa('faults', dates),
      buildReleases(join(dir, 'releases')),
    ]);
    const publisher = new Publisher([...built, ...more(built)], nowMs);
    return new Lab(
      dir,
      ca,
      built,
      publisher,
      await LabServer.start(ca, publisher, [LabNetwork.serverAddress]),
    );
  }

  /** A device of that name; made, and brought to 1.0.0, when it is first asked for. */
  device(name: string): Promise<Device> {
    const there = this.#devices.get(name) ?? this.#make(name);
    this.#devices.set(name, there);
    return there;
  }

  /** Ends this agent with the lab, if nobody does before. */
  guard(agent: AgentProcess): AgentProcess {
    this.#agents.add(agent);
    void agent.ended.then(() => this.#agents.delete(agent));
    return agent;
  }

  /** The fleet of those faults that need the server itself; made when it is first asked for. */
  realServer(make: () => Promise<RealServer>): Promise<RealServer> {
    this.#realServer ??= make();
    return this.#realServer;
  }

  /** The packaged agent under systemd; made when it is first asked for. */
  service(make: () => Promise<Service>): Promise<Service> {
    this.#service ??= make();
    return this.#service;
  }

  /** Network namespaces of their own for devices that need them; made when they are first asked for. */
  network(): Promise<LabNetwork> {
    this.#network ??= LabNetwork.make(this.server, this.dir);
    return this.#network;
  }

  async close(): Promise<void> {
    await this.#realServer?.then((server) => server.stop()).catch(() => undefined);
    await this.#service?.then((service) => service.stop()).catch(() => undefined);
    for (const agent of this.#agents) agent.killAll();
    await this.#network?.then((network) => network.down()).catch(() => undefined);
    await this.server.close();
    await tryRun('umount', ['-R', this.dir]);
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #make(name: string): Promise<Device> {
    const { key, certificate } = await this.#ca.issue(name);
    const { apiUrl, mqttUrl } = this.server;
    const identity = {
      v: 1 as const,
      fleet: FLEET,
      device: name,
      apiUrl,
      mqttUrl,
      peopleUrl: apiUrl,
      notAfter: Date.now() + LONG_MS,
      keyPem: key,
      certificatePem: certificate,
      caPem: this.#ca.pem,
    };
    const device = new Device(this, name);
    mkdirSync(device.stateDir, { recursive: true });
    await writeIdentity(device.stateDir, identity, this.publisher.root);
    for (const [version, kept] of [
      ['1.0.0', 'first'],
      ['1.1.0', 'updated'],
    ] as const) {
      device.offer(version);
      const agent = device.start();
      const watch = device.watch();
      await device.untilRest(agent, version);
      await watch.end();
      device.measure(agent);
      await agent.stop();
      device.keep(kept);
    }
    return device;
  }
}
