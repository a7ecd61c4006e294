import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPeople, type PeopleFixture } from './people-fixture.ts';
import { plainListener } from './plain-listener.ts';

let people: PeopleFixture;
let server: Server;
beforeEach(async () => {
  people = await openPeople();
  server = plainListener(people.app).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  await people.close();
});

async function statusFor(host: string): Promise<number | undefined> {
  const { port } = server.address() as AddressInfo;
  const req = request({ host: '127.0.0.1', port, path: '/healthz', headers: { host, connection: 'close' } });
  req.end();
  const [res] = await once(req, 'response');
  res.resume();
  return res.statusCode;
}

describe('the plain listener', () => {
  it.each(['127.0.0.1', 'localhost:1234', '[::1]:1'])('answers under %s', async (host) => {
    expect(await statusFor(host)).toBe(200);
  });

  it('a name that was made to point at the server’s loopback', async () => {
    for (const host of ['evil.test', 'localhost.evil.test', '127.0.0.1.evil.test', 'fleet:80'])
      expect([host, await statusFor(host)]).toEqual([host, 403]);
  });
});
