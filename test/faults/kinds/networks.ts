import { setTimeout as sleep } from 'node:timers/promises';
import { untilTrue } from '../../lab/until.ts';
import type { Device } from '../lab/device.ts';
import { Relay, type Weather } from '../lab/relay.ts';
import type { FaultFamily } from './kind.ts';
import { inEveryState } from './staged.ts';

const LASTS_MS = 1_500;
const NOTICED_MS = 15_000;

const WEATHERS: readonly { readonly kind: string; readonly weather: Weather }[] = [
  { kind: 'network cut', weather: 'cut' },
  { kind: 'network silent', weather: 'silent' },
  { kind: 'network slow', weather: 'slow' },
  { kind: 'network breaking', weather: 'breaking' },
];

interface Lines {
  readonly api: Relay;
  readonly mqtt: Relay;
}

/** The line between device and server fails for a while. */
export const networks: FaultFamily = {
  kinds: WEATHERS.map(({ kind }) => kind),
  async faults() {
    const lines = new Map<string, Lines>();
    const linesOf = (device: Device): Lines => {
      const found = lines.get(device.name);
      if (!found) throw new Error('the device has no line');
      return found;
    };
    return WEATHERS.flatMap(({ kind, weather }) =>
      inEveryState({
        kind,
        at: 'device to server',
        says: [],
        async before(device) {
          const { apiUrl, mqttUrl } = device.lab.server;
          lines.set(device.name, { api: await Relay.to(apiUrl), mqtt: await Relay.to(mqttUrl) });
        },
        options(device) {
          const { api, mqtt } = linesOf(device);
          return { settings: { server: { apiUrl: api.url, mqttUrl: mqtt.url, maxReconnectMs: 500 } } };
        },
        async harm(device, _agent, order) {
          const both = Object.values(linesOf(device)) as Relay[];
          const harmed = (): number => both.reduce((sum, one) => sum + one.harmed, 0);
          for (const one of both) one.turn(weather);
          if (weather === 'slow' || weather === 'silent') order();
          await untilTrue('it is noticed', async () => harmed() > 0, { limitMs: NOTICED_MS });
          await sleep(LASTS_MS);
          const proof = `${harmed()} connections or pieces were hit in ${LASTS_MS} ms`;
          for (const one of both) one.turn('fine');
          return proof;
        },
        async undo(device) {
          await Promise.all(Object.values(linesOf(device)).map((one: Relay) => one.close()));
        },
      }),
    );
  },
};
