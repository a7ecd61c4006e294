import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Network } from '../../lab/network.ts';
import type { StartOptions } from './device.ts';
import type { LabServer } from './server.ts';

const FORWARD = fileURLToPath(new URL('forward.ts', import.meta.url));
const DEVICES = 8;

/** Devices in network namespaces of their own, and the one server, which they reach over a switch. */
export class LabNetwork {
  static readonly serverAddress = '10.77.0.1';
  readonly network: Network;
  readonly #forwarder: ChildProcess;
  readonly #urls: { readonly apiUrl: string; readonly mqttUrl: string };

  private constructor(network: Network, forwarder: ChildProcess, apiPort: number, mqttPort: number) {
    this.network = network;
    this.#forwarder = forwarder;
    const host = LabNetwork.serverAddress;
    this.#urls = { apiUrl: `https://${host}:${apiPort}`, mqttUrl: `mqtts://${host}:${mqttPort}` };
  }

  static async make(server: LabServer, dir: string): Promise<LabNetwork> {
    const paths = { api: join(dir, 'api.sock'), mqtt: join(dir, 'mqtt.sock') };
    await server.listenAt('api', paths.api);
    await server.listenAt('mqtt', paths.mqtt);
    const network = await Network.make(DEVICES);
    const program = [process.execPath, FORWARD, LabNetwork.serverAddress, paths.api, paths.mqtt];
    const forwarder = spawn('ip', ['netns', 'exec', network.server, ...program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (forwarder.stdout) {
      for await (const line of createInterface({ input: forwarder.stdout })) {
        const [api = 0, mqtt = 0] = line.split(' ').map(Number);
        return new LabNetwork(network, forwarder, api, mqtt);
      }
    }
    await network.down();
    throw new Error('nothing listens in the namespace of the server');
  }

  /** How an agent is started that has only this network. */
  options(device: string): StartOptions {
    return {
      through: ['ip', 'netns', 'exec', this.network.device(numberOf(device))],
      settings: { server: { ...this.#urls, maxReconnectMs: 500 } },
    };
  }

  async down(): Promise<void> {
    this.#forwarder.kill('SIGKILL');
    await this.network.down();
  }
}

/** `d-3` is device 3. */
export const numberOf = (device: string): number => Number(device.replace('d-', ''));
