import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPeople, type PeopleFixture } from '../people-fixture.ts';

const ON_PREMISES = 'http://127.0.0.1:9';
const URL_ = 'https://hooks.example/chat';

let people: PeopleFixture;
beforeEach(async () => {
  people = await openPeople({ allowWebhooks: [ON_PREMISES] });
});
afterEach(() => people.close());

const ask = (method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown) =>
  people.ask(method, `/api/v1/webhooks${path}`, body);

describe('webhooks over the API', () => {
  it('shows a secret when it is new, and never again', async () => {
    const made = await ask('PUT', '/chat', { url: URL_ });
    expect(made.json()).toMatchObject({
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
      webhook: { name: 'chat', url: URL_, kinds: ['alert', 'rollout'], createdBy: 'admin', last: null },
    });
    expect((await ask('PUT', '/chat', { url: URL_, kinds: ['trust'] })).json()).toMatchObject({
      secret: null,
      webhook: { kinds: ['trust'] },
    });
    const rotated = await ask('PUT', '/chat', { url: URL_, newSecret: true });
    expect(rotated.json().secret).not.toBe(made.json().secret);
    expect((await ask('GET', '')).body).not.toContain('whsec_');
    expect((await ask('DELETE', '/chat')).statusCode).toBe(204);
    expect((await ask('GET', '/chat/deliveries')).json()).toMatchObject({ code: 'WEBHOOK_UNKNOWN' });
  });

  it.each([
    ['http://hooks.example/', 'WEBHOOK_URL_INVALID'],
    ['https://hooks.example:6379/', 'WEBHOOK_URL_INVALID'],
    ['https://169.254.169.254/latest/meta-data/', 'WEBHOOK_ADDRESS_FORBIDDEN'],
    ['https://[::ffff:10.0.0.1]/', 'WEBHOOK_ADDRESS_FORBIDDEN'],
    ['https://localhost:9/', 'WEBHOOK_URL_INVALID'],
  ])('takes no %s, and keeps what was there', async (url, code) => {
    await ask('PUT', '/chat', { url: URL_ });
    const [before, audit] = [await people.stores.webhooks.list(), await people.stores.audit.head()];
    expect((await ask('PUT', '/chat', { url })).json()).toMatchObject({ status: 400, code, at: 'url' });
    expect(await people.stores.webhooks.list()).toEqual(before);
    expect(await people.stores.audit.head()).toEqual(audit);
  });

  it('says what a test message came back with, and logs it', async () => {
    await ask('PUT', '/alerts', { url: `${ON_PREMISES}/x` });
    expect((await ask('POST', '/alerts/test')).json()).toMatchObject({
      isTaken: false,
      code: 'WEBHOOK_UNREACHABLE',
    });
    expect((await ask('GET', '/alerts/deliveries')).json().items).toMatchObject([
      { type: 'WEBHOOK_TEST', state: 'failed', attempts: 1 },
    ]);
    // A name that only resolves to this machine is caught when it is resolved.
    await ask('PUT', '/local', { url: 'https://localhost:8443/' });
    expect((await ask('POST', '/local/test')).json()).toMatchObject({ code: 'WEBHOOK_ADDRESS_FORBIDDEN' });
  });
});
