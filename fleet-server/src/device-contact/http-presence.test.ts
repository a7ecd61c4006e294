import { afterEach, beforeEach, expect, it } from 'vitest';
import { SILENT } from '../ports/log.ts';
import { HttpPresence } from './http-presence.ts';

let nowMs: number;
let overMqtt: string[];
let said: string[];
let presence: HttpPresence;
beforeEach(() => {
  [nowMs, overMqtt, said] = [1_000_000, [], []];
  const setConnected = async (id: string, isConnected: boolean, _at: number, via = 'mqtt') =>
    void said.push(isConnected ? `${id} by ${via}` : `${id} away`);
  presence = new HttpPresence({
    devices: { setConnected },
    overMqtt: () => overMqtt,
    clock: () => nowMs,
    log: SILENT,
  });
});
afterEach(() => presence.stop());

it('has a device in contact while it goes on asking, and says so once', async () => {
  await presence.saw('d-1');
  expect(said).toEqual([]);
  for (const waitMs of [6_000, 90_000]) {
    nowMs += waitMs;
    await presence.saw('d-1');
  }
  nowMs += 90_000;
  await presence.look();
  expect(said).toEqual(['d-1 by http']);
  nowMs += 20_000;
  await presence.look();
  expect(said).toEqual(['d-1 by http', 'd-1 away']);
});

it('leaves those alone who speak MQTT, before or after', async () => {
  overMqtt = ['d-1'];
  for (const waitMs of [0, 6_000]) {
    nowMs += waitMs;
    await presence.saw('d-1');
    await presence.saw('d-2');
  }
  overMqtt = ['d-1', 'd-2'];
  nowMs += 200_000;
  await presence.look();
  expect(said).toEqual(['d-2 by http']);
});
