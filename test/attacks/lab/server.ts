import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DeviceHttp } from '../../../agent/src/adapters/device-http.ts';
import { makeTestCa } from '../../../agent/src/adapters/test-ca.fixture.ts';
import type { DeviceApi } from '../../../agent/src/ports/device-api.ts';
import type { Publication } from './publication.ts';

/** Answers a request itself, instead of with a file. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** The device's half of a fleet server: files in a folder, given out over mutual TLS on a real socket. */
export interface AttackServer {
  /** The agent's own client, connected to it. */
  readonly api: DeviceApi;
  /** Gives out a folder from now on. `answers` are by the end of the address. */
  serve(folder: string, answers?: Readonly<Record<string, Answer>>): void;
  close(): Promise<void>;
}

const PREFIX = '/device/v1/';

export async function startAttackServer(): Promise<AttackServer> {
  const ca = await makeTestCa('attacks');
  const own = await ca.issue('127.0.0.1', '127.0.0.1');
  const devices = await ca.issue('d-1');
  let folder = '';
  let answers: Readonly<Record<string, Answer>> = {};
  const server = createServer(
    { key: own.key, cert: own.certificate, ca: ca.pem, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      const url = request.url ?? '';
      const answer = Object.entries(answers).find(([end]) => url.endsWith(end))?.[1];
      if (answer) answer(request, response);
      else sendFile(join(folder, url.replace(PREFIX, '')), request, response);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const apiUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api = new DeviceHttp(
    {
      v: 1,
      fleet: 'lab',
      device: 'd-1',
      apiUrl,
      mqttUrl: 'mqtts://127.0.0.1:1',
      notAfter: Date.now() + 3_600_000,
      keyPem: devices.key,
      certificatePem: devices.certificate,
      caPem: ca.pem,
    },
    apiUrl,
    { nowMs: () => Date.now(), pace: { windowMs: 500, minBytesPerSecond: 1_024 } },
  );
  return {
    api,
    serve(from, others = {}) {
      folder = from;
      answers = others;
    },
    close() {
      api.close();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Writes what a server is to give out into a folder. */
export function writePublication({ metadata, assignment, artifacts }: Publication, into: string): void {
  mkdirSync(join(into, 'metadata'), { recursive: true });
  mkdirSync(join(into, 'artifacts', 'sha256'), { recursive: true });
  writeFileSync(join(into, 'assignment'), assignment);
  for (const [file, text] of metadata) writeFileSync(join(into, 'metadata', file), text);
  for (const [hex, bytes] of artifacts) writeFileSync(join(into, 'artifacts', 'sha256', hex), bytes);
}

function sendFile(path: string, request: IncomingMessage, response: ServerResponse): void {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    // A repository that lacks a file says so; that is what some attacks are about.
    response.writeHead(404).end();
    return;
  }
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response
    .writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from })
    .end(bytes.subarray(from));
}
