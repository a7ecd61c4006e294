import { readdir } from 'node:fs/promises';
import { type ClientRequest, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ADMIN, digestOf, openPeople, type PeopleFixture } from './people-fixture.ts';

const MAX_BYTES = 100_000;
const GOOD = Buffer.alloc(50_000, 'a');
const hexOf = (bytes: Uint8Array): string => digestOf(bytes).slice('sha256:'.length);

let people: PeopleFixture;
let port: number;
beforeAll(async () => {
  people = await openPeople({ maxArtifactBytes: MAX_BYTES });
  await people.app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = people.app.server.address() as AddressInfo);
});
afterAll(() => people.close());

/** One upload on a socket of its own; the answer, or null where the connection ends without one. */
function put(
  path: string,
  headers: Record<string, string | number>,
  send: (going: ClientRequest) => void,
): Promise<{ status: number; code: string | null } | null> {
  return new Promise((resolve) => {
    const all = { ...ADMIN, 'content-type': 'application/octet-stream', ...headers };
    const going = request({ host: '127.0.0.1', port, method: 'PUT', path, headers: all, agent: false });
    going.on('error', () => resolve(null));
    going.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('error', () => resolve(null));
      response.on('close', () => {
        const { code = null } = JSON.parse(text) as { code?: string };
        resolve({ status: response.statusCode ?? 0, code });
      });
    });
    send(going);
  });
}
const pathOf = (hex: string): string => `/api/v1/artifacts/sha256/${hex}`;

/** What lies in the folder of the files, finished or not. */
const stored = async (): Promise<string[]> => {
  const names = await readdir(people.blobsDir, { recursive: true });
  return names.filter((name) => /[0-9a-f-]{36,}$/.test(join(name))).toSorted();
};

describe('an upload that is kept where its bytes are what they say', () => {
  it.each([
    [
      'an upload with other bytes than its digest',
      400,
      'DIGEST_MISMATCH',
      GOOD.length,
      Buffer.alloc(50_000, 'b'),
    ],
    ['an upload shorter than its digest', 400, 'DIGEST_MISMATCH', 49_999, GOOD.subarray(1)],
    [
      'an upload with one byte too many',
      400,
      'DIGEST_MISMATCH',
      50_001,
      Buffer.concat([GOOD, Buffer.from('a')]),
    ],
    ['an upload announced larger than the limit', 413, 'UPLOAD_TOO_LARGE', MAX_BYTES + 1, Buffer.alloc(10)],
  ])('%s', async (_case, status, code, length, bytes) => {
    const before = await stored();
    const answer = await put(pathOf(hexOf(GOOD)), { 'content-length': length }, (going) => going.end(bytes));
    expect(answer).toEqual({ status, code });
    expect(await stored()).toEqual(before);
  });

  it('an upload without an end', async () => {
    const before = await stored();
    const answer = await put(pathOf(hexOf(GOOD)), { 'transfer-encoding': 'chunked' }, (going) => {
      const pour = (): void => {
        if (!going.destroyed) going.write(Buffer.alloc(16_384), () => setImmediate(pour));
      };
      pour();
    });
    // Whether the answer is read before the connection is cut is the network's affair.
    expect([null, 'UPLOAD_TOO_LARGE']).toContain(answer?.code ?? null);
    expect(await stored()).toEqual(before);
  });

  it('an upload that ends before its announced length', async () => {
    const before = await stored();
    const answer = await put(pathOf(hexOf(GOOD)), { 'content-length': GOOD.length }, (going) =>
      going.write(GOOD.subarray(0, 1_000), () => going.destroy()),
    );
    expect(answer).toBeNull();
    await vi.waitFor(async () => expect(await stored()).toEqual(before), { timeout: 5_000, interval: 10 });
  });

  it.each(['..%2f..%2fcontrol.db', 'A'.repeat(64), '0'.repeat(63)])('takes no digest %s', async (hex) => {
    const answer = await put(pathOf(hex), { 'content-length': 1 }, (going) => going.end('x'));
    expect(answer).toMatchObject({ status: 400, code: 'API_REQUEST_INVALID' });
  });

  it('is taken after all of that', async () => {
    // What an upload that was cut off leaves goes a little later: only what is finished counts here.
    const finished = async () => (await stored()).filter((name) => name.startsWith('sha256'));
    const before = await finished();
    const answer = await put(pathOf(hexOf(GOOD)), { 'content-length': GOOD.length }, (going) =>
      going.end(GOOD),
    );
    expect(answer).toEqual({ status: 201, code: null });
    expect(await finished()).toHaveLength(before.length + 1);
  });
});
