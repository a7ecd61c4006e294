import { setTimeout as sleep } from 'node:timers/promises';
import { untilTrue } from '../../lab/until.ts';
import type { Lab } from '../lab/bench.ts';
import { type LabNetwork, numberOf } from '../lab/lab-network.ts';
import type { FaultFamily } from './kind.ts';
import { inEveryState } from './staged.ts';

const LASTS_MS = 1_500;
const NOTICED_MS = 15_000;

interface Weather {
  readonly kind: string;
  readonly begin: (network: LabNetwork['network'], device: number) => Promise<void>;
  /** What it has hit, counted by the kernel. */
  readonly hit: (network: LabNetwork['network'], device: number) => Promise<number>;
  readonly unit: string;
}

const LOST = 'packets were lost';
const dropped: Weather['hit'] = (network, device) => network.dropped(device);

const WEATHERS: readonly Weather[] = [
  {
    kind: 'link down',
    begin: (network, device) => network.cut(device),
    hit: (network, device) => network.downs(device),
    unit: 'losses of the carrier',
  },
  { kind: 'link silent', begin: (network, device) => network.silence(device), hit: dropped, unit: LOST },
  { kind: 'link deaf', begin: (network, device) => network.silence(device, 'in'), hit: dropped, unit: LOST },
  { kind: 'link lossy', begin: (network, device) => network.lose(device, 0.3), hit: dropped, unit: LOST },
  {
    kind: 'link slow',
    begin: (network, device) => network.limit(device, 8, 2),
    hit: (network, device) => network.delayed(device),
    unit: 'packets had to wait',
  },
];

/** The device has a network namespace of its own, and its link fails as links do: packets vanish, and nobody says so. */
export const links: FaultFamily = {
  kinds: WEATHERS.map(({ kind }) => kind),
  async faults(lab: Lab) {
    return WEATHERS.flatMap(({ kind, begin, hit, unit }) => {
      let made: LabNetwork;
      return inEveryState({
        kind,
        at: 'device to server',
        says: [],
        async before() {
          made = await lab.network();
        },
        options: (device) => made.options(device.name),
        async harm(device, _agent, order) {
          const { network } = made;
          const number = numberOf(device.name);
          const was = await hit(network, number);
          await begin(network, number);
          // Something to carry, also where nothing was on its way.
          order();
          await untilTrue('packets are hit', async () => (await hit(network, number)) > was, {
            limitMs: NOTICED_MS,
          });
          await sleep(LASTS_MS);
          const proof = `${(await hit(network, number)) - was} ${unit} in ${LASTS_MS} ms`;
          await heal(network, number);
          return proof;
        },
        async undo(device) {
          await heal(made.network, numberOf(device.name));
        },
      });
    });
  },
};

async function heal(network: LabNetwork['network'], device: number): Promise<void> {
  await network.heal(device);
  await network.limit(device, null);
}
