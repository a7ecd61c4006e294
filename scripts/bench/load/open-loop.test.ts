import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { requestBytes } from './lean-http.ts';
import { openLoop } from './open-loop.ts';

const dir = mkdtempSync(join(tmpdir(), 'rfb-test-'));
const path = join(dir, 'sock');
const NO_ID = '"id":"00000000"';
const request = requestBytes({ path: '/', headers: {}, body: Buffer.from(`{${NO_ID}}`) });
const idAt = request.indexOf(NO_ID) + '"id":"'.length;
let close = (): Promise<void> => Promise.resolve();

async function serve(
  answer: (body: string) => { readonly status: number; readonly body: string },
): Promise<void> {
  const server = createServer((req, res) => {
    let asked = '';
    req.on('data', (chunk: Buffer) => {
      asked += chunk.toString();
    });
    req.on('end', () => {
      const { status, body } = answer(asked);
      res.writeHead(status, { 'content-length': Buffer.byteLength(body) });
      res.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, () => resolve()));
  close = () => new Promise((resolve) => server.close(() => resolve()));
}

afterEach(async () => {
  await close();
  rmSync(path, { force: true });
});

afterAll(() => rmSync(dir, { recursive: true }));

describe('open loop', () => {
  const load = { kind: 'open', address: { path }, request, idAt, perSecond: 200, durationMs: 250 } as const;

  it('sends what is due, each with a number of its own', async () => {
    const seen: string[] = [];
    await serve((body) => {
      seen.push(body);
      return { status: 200, body };
    });
    const result = await openLoop(load);
    expect(result).toMatchObject({ sent: 50, answered: 50, failed: 0, strangers: 0 });
    expect(new Set(seen).size).toBe(50);
  });

  it('tells refusals, and answers to other questions, from answers', async () => {
    let count = 0;
    await serve((body) => {
      count += 1;
      if (count % 5 === 0) return { status: 503, body: 'busy' };
      return { status: 200, body: count % 5 === 1 ? `{${NO_ID}}x` : body };
    });
    const result = await openLoop(load);
    expect(result).toMatchObject({ sent: 50, answered: 40, failed: 10, failure: '503 busy' });
    // One of the ten may be the answer to the very first number.
    expect(result.strangers).toBeGreaterThanOrEqual(9);
  });
});
