import { randomBytes } from 'node:crypto';
import { run, tryRun } from './command.ts';

const PREFIX = '10.77.0.';
const FIRST_DEVICE = 11;

/**
 * One server and some devices, each in a network namespace of its own, joined by a switch in another; no way leads
 * to anything else. The server is 10.77.0.1, device 1 is 10.77.0.11. Needs root, `iproute2` and `nftables`.
 *
 *     const network = await Network.make(2);
 *     const box = await Box.boot({ network: network.device(1) });
 *     await network.silence(1);   // packets vanish, the link stays up: connections become half-open
 */
export class Network {
  readonly #name: string;
  readonly #devices: number;

  private constructor(devices: number) {
    this.#name = `rfn${randomBytes(3).toString('hex')}`;
    this.#devices = devices;
  }

  static async make(devices: number): Promise<Network> {
    const network = new Network(devices);
    try {
      await network.#make();
    } catch (err) {
      await network.down();
      throw err;
    }
    return network;
  }

  readonly serverAddress = `${PREFIX}1`;

  /** Name of the server's namespace; `ip netns exec NAME program` runs something in it. */
  get server(): string {
    return `${this.#name}-srv`;
  }

  /** Name of a device's namespace; they count from 1. */
  device(number: number): string {
    return `${this.#name}-d${number}`;
  }

  deviceAddress(number: number): string {
    return `${PREFIX}${FIRST_DEVICE + number - 1}`;
  }

  /** The cable is out: both ends notice. */
  async cut(device: number): Promise<void> {
    await this.#inSwitch('ip', 'link', 'set', port(device), 'down');
  }

  /** Undoes `cut`, `silence` and `lose`. */
  async heal(device: number): Promise<void> {
    await this.#inSwitch('ip', 'link', 'set', port(device), 'up');
    await this.#inSwitch('nft', 'flush', 'chain', 'bridge', 'lab', `d${device}`);
  }

  /** Packets of this direction, as the device sees it, vanish; nobody notices. */
  async silence(device: number, direction: 'in' | 'out' | 'both' = 'both'): Promise<void> {
    if (direction !== 'in') await this.#rule(device, 'iifname', 'counter drop');
    if (direction !== 'out') await this.#rule(device, 'oifname', 'counter drop');
  }

  /** This share of packets is lost, 0 up to but below 1, both ways. */
  async lose(device: number, share: number): Promise<void> {
    const often = `numgen random mod 10000 < ${Math.round(share * 10_000)} counter drop`;
    await this.#rule(device, 'iifname', often);
    await this.#rule(device, 'oifname', often);
  }

  /** Packets that `silence` and `lose` have dropped since, both ways. */
  async dropped(device: number): Promise<number> {
    const list = ['netns', 'exec', `${this.#name}-sw`, 'nft', 'list', 'chain', 'bridge', 'lab', `d${device}`];
    const { stdout } = await run('ip', list);
    return [...stdout.matchAll(/counter packets (\d+)/g)].reduce((sum, one) => sum + Number(one[1]), 0);
  }

  /** How often the device's link has lost its carrier, `cut` and all. */
  async downs(device: number): Promise<number> {
    const { stdout } = await run('ip', [
      ...['netns', 'exec', this.device(device), 'cat', '/sys/class/net/eth0/carrier_down_count'],
    ]);
    return Number(stdout);
  }

  /** Packets that had to wait for the limit so far, both ways. */
  async delayed(device: number): Promise<number> {
    let sum = 0;
    for (const [namespace, link] of this.#ends(device)) {
      const { stdout } = await run('tc', ['-netns', namespace, '-s', 'qdisc', 'show', 'dev', link, 'root']);
      sum += Number(/overlimits (\d+)/.exec(stdout)?.[1] ?? 0);
    }
    return sum;
  }

  /** Both ways, kilobits a second, after `burst` kilobytes that pass at once; `null` lifts the limit. */
  async limit(device: number, kilobits: number | null, burst = 16): Promise<void> {
    for (const [namespace, link] of this.#ends(device)) {
      await tryRun('tc', ['-netns', namespace, 'qdisc', 'del', 'dev', link, 'root']);
      if (kilobits === null) continue;
      const bucket = ['rate', `${kilobits}kbit`, 'burst', `${burst}kb`, 'latency', '400ms'];
      await run('tc', ['-netns', namespace, 'qdisc', 'add', 'dev', link, 'root', 'tbf', ...bucket]);
    }
  }

  async down(): Promise<void> {
    for (const namespace of this.#namespaces()) await tryRun('ip', ['netns', 'del', namespace]);
  }

  #ends(device: number): readonly (readonly [string, string])[] {
    return [
      [`${this.#name}-sw`, port(device)],
      [this.device(device), 'eth0'],
    ];
  }

  async #make(): Promise<void> {
    for (const namespace of this.#namespaces()) await run('ip', ['netns', 'add', namespace]);
    await this.#inSwitch('ip', ...'link add br0 type bridge forward_delay 0 stp_state 0'.split(' '));
    await this.#inSwitch('ip', 'link', 'set', 'br0', 'up');
    const chains = this.#numbers().flatMap((n) => [
      `add chain bridge lab d${n}`,
      `add rule bridge lab forward jump d${n}`,
    ]);
    const rules = [
      'add table bridge lab',
      'add chain bridge lab forward { type filter hook forward priority 0; }',
    ];
    await run('ip', ['netns', 'exec', `${this.#name}-sw`, 'nft', '-f', '-'], {
      input: [...rules, ...chains, ''].join('\n'),
    });
    await this.#plug(this.server, 'p-srv', this.serverAddress);
    for (const n of this.#numbers()) await this.#plug(this.device(n), port(n), this.deviceAddress(n));
  }

  async #plug(namespace: string, link: string, address: string): Promise<void> {
    const ends = ['link', 'add', link, 'netns', `${this.#name}-sw`, 'type', 'veth', 'peer', 'name', 'eth0'];
    await run('ip', [...ends, 'netns', namespace]);
    await this.#inSwitch('ip', 'link', 'set', link, 'master', 'br0', 'up');
    await run('ip', ['-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
    for (const one of ['eth0', 'lo']) await run('ip', ['-n', namespace, 'link', 'set', one, 'up']);
  }

  async #rule(device: number, side: 'iifname' | 'oifname', verdict: string): Promise<void> {
    await this.#inSwitch('nft', `add rule bridge lab d${device} ${side} ${port(device)} ${verdict}`);
  }

  async #inSwitch(...command: readonly string[]): Promise<void> {
    await run('ip', ['netns', 'exec', `${this.#name}-sw`, ...command]);
  }

  #numbers(): number[] {
    return Array.from({ length: this.#devices }, (_, i) => i + 1);
  }

  #namespaces(): string[] {
    return [`${this.#name}-sw`, this.server, ...this.#numbers().map((n) => this.device(n))];
  }
}

const port = (device: number): string => `p-d${device}`;
