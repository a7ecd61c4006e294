import type { Envelope, Hello } from '@ringfleet/shared/protocol';
import { describe, expect, it } from 'vitest';
import type { Bus } from '../ports/bus.ts';
import { fieldsOf, privacyText } from '../privacy-text.ts';
import { SentLog } from './sent-log.ts';

const hello = { v: 1, at: 5, capabilities: { arch: 'x64' } } as unknown as Hello;
const beat = (seq: number): Envelope => ({
  v: 1,
  id: { journal: 'j', start: 1, stream: 'tele', seq },
  at: 5,
  body: { models: [{ model: 'tiny', features: [{ name: 'x', bins: [1, 2] }] }] },
});

function lab() {
  const arrived: unknown[] = [];
  const bus = {
    isConnected: true as boolean,
    hello: async (message: Hello) => void arrived.push(message),
    report: async (message: Envelope) => void arrived.push(message),
  } satisfies Partial<Bus>;
  const sent = new SentLog(() => 1_000);
  return { sent, bus, arrived };
}

describe('what left the device', () => {
  it('is counted at both doors, with the newest message of each kind, and arrives as it was', async () => {
    const { sent, bus, arrived } = lab();
    const watched = sent.bus(bus);
    await watched.hello(hello);
    await watched.report(beat(1));
    const overHttp: unknown[] = [];
    const api = sent.api({
      reports: async (request) => {
        overHttp.push(request);
        return { v: 1, acks: [] };
      },
    });
    const request = { v: 1, hello, reports: [beat(2)] } as const;
    await api.reports({ ...request, reports: [...request.reports] }, new AbortController().signal);
    expect(arrived).toEqual([hello, beat(1)]);
    expect(overHttp).toEqual([request]);
    const [first, second] = sent.view().sent;
    expect(first).toMatchObject({ kind: 'hello', messages: 2, lastAtMs: 1_000 });
    expect(second).toMatchObject({ kind: 'tele', messages: 2, last: beat(2) });
    expect(second?.bytes).toBe(2 * JSON.stringify(beat(1)).length);
    bus.isConnected = false;
    expect(watched.isConnected).toBe(false);
  });

  it('is told field by field, and what never leaves is said even when nothing did', async () => {
    const { sent, bus } = lab();
    expect(privacyText(sent.view())).toMatch(/started at 1970-01-01T00:00:01.000Z:\n {2}nothing\n/);
    await sent.bus(bus).report(beat(1));
    const text = privacyText(sent.view());
    expect(text).toContain(
      'body.models[].model, body.models[].features[].name, body.models[].features[].bins[]',
    );
    expect(text).toContain('Never leaves this device:\n  inputs and outputs of requests');
    expect(fieldsOf({ a: [], b: [1, 2], c: { d: null } })).toEqual(['b[]', 'c.d']);
  });
});
