import { CodedError } from '../errors/index.ts';

export type UpKind = 'hello' | 'state' | 'tele' | 'event' | 'status';
export type DownKind = 'desired' | 'ack' | 'cmd';

export type Topic =
  | { readonly fleet: string; readonly device: string; readonly direction: 'up'; readonly kind: UpKind }
  | { readonly fleet: string; readonly device: string; readonly direction: 'dn'; readonly kind: DownKind };

const ID = /^[A-Za-z0-9_-]{1,64}$/;
export const UP_KINDS: readonly UpKind[] = ['hello', 'state', 'tele', 'event', 'status'];
const UP: ReadonlySet<string> = new Set(UP_KINDS);
const DOWN: ReadonlySet<string> = new Set<DownKind>(['desired', 'ack', 'cmd']);

/** `rf/1/<fleet>/<device>/up|dn/<kind>` (DESIGN §9). Throws TOPIC_INVALID on an id that is not safe in a topic. */
export function buildTopic(topic: Topic): string {
  if (!ID.test(topic.fleet) || !ID.test(topic.device)) {
    throw new CodedError('TOPIC_INVALID', 'the fleet or device id cannot stand in a topic');
  }
  return `rf/1/${topic.fleet}/${topic.device}/${topic.direction}/${topic.kind}`;
}

/** Throws TOPIC_INVALID unless the text is exactly one of our topics. */
export function parseTopic(text: string): Topic {
  const [rf, v, fleet, device, direction, kind, ...rest] = text.split('/', 8);
  if (
    rf === 'rf' &&
    v === '1' &&
    rest.length === 0 &&
    fleet &&
    device &&
    kind &&
    ID.test(fleet) &&
    ID.test(device)
  ) {
    if (direction === 'up' && UP.has(kind)) return { fleet, device, direction, kind: kind as UpKind };
    if (direction === 'dn' && DOWN.has(kind)) return { fleet, device, direction, kind: kind as DownKind };
  }
  throw new CodedError('TOPIC_INVALID', undefined, { at: text.slice(0, 200) });
}

/** The one filter a device may subscribe. */
export const downFilter = (fleet: string, device: string): string => `rf/1/${fleet}/${device}/dn/#`;

/** Topic access of one device as a pure rule: publish own `up/<kind>`, subscribe own `dn/#` (DESIGN §4). */
export function mayPublish(fleet: string, device: string, topic: string): boolean {
  const prefix = `rf/1/${fleet}/${device}/up/`;
  return topic.startsWith(prefix) && UP.has(topic.slice(prefix.length));
}

export function maySubscribe(fleet: string, device: string, filter: string): boolean {
  const prefix = `rf/1/${fleet}/${device}/dn/`;
  const rest = filter.slice(prefix.length);
  return filter.startsWith(prefix) && (rest === '#' || DOWN.has(rest));
}
