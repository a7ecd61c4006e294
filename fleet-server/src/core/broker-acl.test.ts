import { mayPublish, maySubscribe } from '@ringfleet/shared/protocol';
import { describe, expect, it } from 'vitest';
import { mosquittoAcl } from './broker-acl.ts';

/** What Mosquitto makes of the file: whether a user may write or read a topic, or subscribe a filter. */
function allows(acl: string, user: string, access: 'read' | 'write', topic: string): boolean {
  const patterns = acl
    .split('\n')
    .filter((line) => line.startsWith(`pattern ${access} `))
    .map((line) => line.slice(`pattern ${access} `.length).replaceAll('%u', user));
  return patterns.some((pattern) => covers(pattern.split('/'), topic.split('/')));
}

/** MQTT-4.7: `#` covers everything below, and a filter's own wildcard only where the pattern has one. */
function covers(pattern: readonly string[], topic: readonly string[]): boolean {
  for (const [n, part] of pattern.entries()) {
    if (part === '#') return topic.length > n;
    if (topic[n] !== part) return false;
  }
  return pattern.length === topic.length;
}

const devices = ['edge-1', 'edge-2', '__proto__', 'a'.repeat(64)];
const kinds = ['hello', 'state', 'tele', 'event', 'status', 'desired', 'ack', 'cmd', '#', '+', 'x'];
const topics = ['lab', 'other'].flatMap((fleet) =>
  [...devices, '+', '#'].flatMap((device) =>
    ['up', 'dn', '+'].flatMap((way) => kinds.map((kind) => `rf/1/${fleet}/${device}/${way}/${kind}`)),
  ),
);

describe('the Mosquitto rules', () => {
  const acl = mosquittoAcl('lab');
  it('let a device publish exactly what the embedded broker does', () => {
    for (const device of devices) {
      for (const topic of [...topics, '#', 'rf/1/lab/edge-1/up/state/deeper']) {
        expect([device, topic, allows(acl, device, 'write', topic)]).toEqual([
          device,
          topic,
          mayPublish('lab', device, topic),
        ]);
      }
    }
  });

  it('let a device subscribe what the embedded broker does, and never what is another one’s', () => {
    for (const device of devices) {
      for (const filter of [...topics, '#', '+/1/lab/edge-1/dn/#']) {
        if (maySubscribe('lab', device, filter)) expect(allows(acl, device, 'read', filter)).toBe(true);
        // `dn/#` covers kinds that do not exist as well: nobody publishes them.
        const isOwn = filter.startsWith(`rf/1/lab/${device}/dn/`);
        if (!isOwn) expect([filter, allows(acl, device, 'read', filter)]).toEqual([filter, false]);
      }
    }
  });
});
