/** The URLs under which the broker may be reached, the best first, and which is in turn. */
export interface BrokerWays {
  readonly urls: readonly string[];
  readonly turn: number;
  /** Tries since the last connection. */
  readonly failures: number;
}

/**
 * MQTT over TLS first, then over WebSocket on the device listener, where `/mqtt` is a part of HTTPS. A `mqttUrl` of
 * `wss:` says that the site lets nothing else through: it stands alone.
 */
export function waysTo(mqttUrl: string, apiUrl: string): BrokerWays {
  const websocket = `${apiUrl.replace(/^https:/, 'wss:').replace(/\/+$/, '')}/mqtt`;
  const urls = mqttUrl.startsWith('wss:') ? [mqttUrl] : [mqttUrl, websocket];
  return { urls, turn: 0, failures: 0 };
}

/** A way that worked is kept: after a lost connection it is tried first. */
export const afterConnected = (ways: BrokerWays): BrokerWays => ({ ...ways, failures: 0 });

/** A way that led nowhere gives its turn to the next, round and round. */
export const afterFailure = (ways: BrokerWays): BrokerWays => ({
  ...ways,
  turn: (ways.turn + 1) % ways.urls.length,
  failures: ways.failures + 1,
});

/** Whether each way was tried since the last connection, so that a wait is due before the first is tried again. */
export const isRoundDone = ({ urls, failures }: BrokerWays): boolean =>
  failures > 0 && failures % urls.length === 0;
