import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tryRun } from './command.ts';
import { Network } from './network.ts';
import { sayWhySkipped, whyNoLab } from './requirements.ts';
import { untilTrue } from './until.ts';

const why = sayWhySkipped(
  'the network of the laboratory',
  whyNoLab({ nft: 'nftables', ping: 'iputils-ping' }),
);

describe.skipIf(why !== null)('the network', () => {
  let network: Network;
  beforeAll(async () => {
    network = await Network.make(2);
  });
  afterAll(() => network.down());

  const reaches = async (device: number): Promise<boolean> => {
    const ping = ['ping', '-c', '1', '-W', '0.3', network.serverAddress];
    return (await tryRun('ip', ['netns', 'exec', network.device(device), ...ping])).code === 0;
  };

  it.each([
    ['cut', () => network.cut(1)],
    ['silent', () => network.silence(1, 'in')],
    ['lossy beyond use', () => network.lose(1, 0.9999)],
  ])('can be %s for one device and healed again', async (_, harm) => {
    await untilTrue('device 1 reaches the server', () => reaches(1), { limitMs: 10_000 });
    await harm();
    expect([await reaches(1), await reaches(2)]).toEqual([false, true]);
    await network.heal(1);
    await untilTrue('device 1 reaches the server', () => reaches(1), { limitMs: 10_000 });
  });
});
