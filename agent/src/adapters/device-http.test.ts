import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceHttp } from './device-http.ts';
import type { Identity } from './identity.ts';
import type { Pace } from './paced.ts';
import { makeTestCa, type TestCa, type TestCertificate } from './test-ca.fixture.ts';

const signal = new AbortController().signal;
const content = Buffer.from('0123456789');
const digest = `sha256:${'a'.repeat(64)}`;

let ca: TestCa;
let server: Server;
let identity: Identity;
let handler: (req: IncomingMessage, res: ServerResponse) => void;
const clients: DeviceHttp[] = [];

async function listen({ certificate, key }: TestCertificate): Promise<string> {
  server = createServer(
    { cert: certificate, key, ca: ca.pem, requestCert: true, rejectUnauthorized: true },
    (req, res) => handler(req, res),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
function client(apiUrl = identity.apiUrl, pace?: Pace): DeviceHttp {
  const made = new DeviceHttp(identity, apiUrl, { nowMs: () => Date.now(), ...(pace ? { pace } : {}) });
  clients.push(made);
  return made;
}

beforeEach(async () => {
  ca = await makeTestCa('lab');
  const { certificate, key } = await ca.issue('d-1');
  const apiUrl = await listen(await ca.issue('server', '127.0.0.1'));
  identity = {
    v: 1,
    fleet: 'lab',
    device: 'd-1',
    apiUrl,
    mqttUrl: 'mqtts://127.0.0.1:1',
    notAfter: 0,
    keyPem: key,
    certificatePem: certificate,
    caPem: ca.pem,
  };
});
afterEach(async () => {
  for (const one of clients.splice(0)) one.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function text(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('the device API', () => {
  it("shows the device's certificate and asks for an assignment only when it changed", async () => {
    let name = '';
    handler = (req, res) => {
      name = (req.socket as TLSSocket).getPeerCertificate().subject.CN as string;
      if (req.headers['if-none-match'] === '"1.1"') res.writeHead(304).end();
      else res.writeHead(200, { etag: '"1.1"' }).end('{"signed":{}}');
    };
    const api = client();
    expect(await api.assignment(null, signal)).toEqual({
      kind: 'document',
      text: '{"signed":{}}',
      etag: '"1.1"',
    });
    expect(await api.assignment('"1.1"', signal)).toEqual({ kind: 'unchanged' });
    expect(name).toBe('d-1');
  });

  it('resumes an artifact where it stopped, and starts again when the server cannot', async () => {
    let hasRanges = true;
    handler = (req, res) => {
      const from = Number(/bytes=(\d+)-/.exec(req.headers.range ?? '')?.[1] ?? 0);
      if (from >= content.length) res.writeHead(416).end();
      else if (from > 0 && hasRanges) res.writeHead(206).end(content.subarray(from));
      else res.writeHead(200).end(content);
    };
    const resumed = await client().artifact(digest, 4, signal);
    expect([resumed.startsAt, await text(resumed.bytes)]).toEqual([4, '456789']);
    const over = await client().artifact(digest, 10, signal);
    expect([over.startsAt, await text(over.bytes)]).toEqual([0, '0123456789']);
    hasRanges = false;
    const whole = await client().artifact(digest, 4, signal);
    expect([whole.startsAt, await text(whole.bytes)]).toEqual([0, '0123456789']);
  });

  it('tells a missing document from an error, and passes on why the server refused', async () => {
    handler = (req, res) => {
      if (req.url?.endsWith('targets.json')) res.writeHead(404).end();
      else res.writeHead(503).end(JSON.stringify({ code: 'CERTIFICATE_REVOKED', detail: 'not any more' }));
    };
    expect(await client().metadata('targets.json', signal)).toBeNull();
    await expect(client().metadata('m.tiny.json', signal)).rejects.toMatchObject({
      code: 'SERVER_REFUSED',
      message: 'status 503: CERTIFICATE_REVOKED: not any more',
    });
  });

  it('says unreachable when the connection breaks off in the middle', async () => {
    handler = (_req, res) => {
      res.writeHead(200, { 'content-length': '10' });
      res.write('012');
      setImmediate(() => res.destroy());
    };
    const { bytes } = await client().artifact(digest, 0, signal);
    await expect(text(bytes)).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  });

  it('gives up on a slow drip, of a file as of a document, and goes on where it stopped', async () => {
    let isDripping = true;
    handler = (req, res) => {
      const from = Number(/bytes=(\d+)-/.exec(req.headers.range ?? '')?.[1] ?? 0);
      res.writeHead(from > 0 ? 206 : 200);
      if (!isDripping) return void res.end(content.subarray(from));
      const timer = setInterval(() => res.write('0'), 1);
      res.on('close', () => clearInterval(timer));
    };
    const api = client(identity.apiUrl, { windowMs: 30, minBytesPerSecond: 1_000_000 });
    const slow = { code: 'DOWNLOAD_TOO_SLOW' };
    const { bytes } = await api.artifact(digest, 0, signal);
    await expect(text(bytes)).rejects.toMatchObject(slow);
    await expect(api.metadata('root.json', signal)).rejects.toMatchObject(slow);
    isDripping = false;
    const resumed = await api.artifact(digest, 4, signal);
    expect([resumed.startsAt, await text(resumed.bytes)]).toEqual([4, '456789']);
  });

  it('talks to nobody of another certificate authority', async () => {
    const other = await makeTestCa('other');
    handler = (_req, res) => res.end('{}');
    identity = { ...identity, caPem: other.pem };
    await expect(client().assignment(null, signal)).rejects.toMatchObject({
      code: 'TLS_INTERCEPTED',
      message: expect.stringMatching(/issued by "CN=/),
    });
  });

  it('talks to nobody else of its own authority, whatever address was configured', async () => {
    handler = (_req, res) => res.end('{}');
    const here = identity.apiUrl;
    identity = { ...identity, apiUrl: 'https://10.1.2.3:8444' };
    await expect(client(here).assignment(null, signal)).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  });
});
