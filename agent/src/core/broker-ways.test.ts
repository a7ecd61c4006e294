import { expect, it } from 'vitest';
import { afterConnected, afterFailure, isRoundDone, waysTo } from './broker-ways.ts';

it('tries TLS, then WebSocket, then waits, and keeps to what worked', () => {
  let ways = waysTo('mqtts://fleet:8883', 'https://fleet:8444/');
  const turn = (): string | undefined => ways.urls[ways.turn];
  expect([turn(), isRoundDone(ways)]).toEqual(['mqtts://fleet:8883', false]);
  ways = afterFailure(ways);
  expect([turn(), isRoundDone(ways)]).toEqual(['wss://fleet:8444/mqtt', false]);
  ways = afterFailure(ways);
  expect([turn(), isRoundDone(ways)]).toEqual(['mqtts://fleet:8883', true]);
  ways = afterConnected(afterFailure(ways));
  expect([turn(), isRoundDone(ways)]).toEqual(['wss://fleet:8444/mqtt', false]);
});

it('keeps to a WebSocket that agent.yaml names', () => {
  const ways = afterFailure(waysTo('wss://edge.example/mqtt', 'https://fleet:8444'));
  expect(ways).toMatchObject({ urls: ['wss://edge.example/mqtt'], turn: 0 });
  expect(isRoundDone(ways)).toBe(true);
});
