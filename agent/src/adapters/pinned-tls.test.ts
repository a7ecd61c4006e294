import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callHttps, readText } from './https-request.ts';
import { type Pin, PinnedAgent } from './pinned-tls.ts';
import { makeTestCa, type TestCa } from './test-ca.fixture.ts';

const at = (text: string): Date => new Date(`${text}T00:00:00Z`);
/** Long past for the clock of this machine, so that only trusted now can let it through. */
const YEAR_2001 = { notBefore: at('2001-01-01'), notAfter: at('2002-01-01') };
const IN_DATE = at('2001-06-01').getTime();

let ca: TestCa;
let server: Server | null = null;
let sessions: boolean[];
const agents: PinnedAgent[] = [];

beforeEach(async () => {
  ca = await makeTestCa('lab', { notBefore: at('2000-01-01'), notAfter: at('2010-01-01') });
  sessions = [];
});
afterEach(() => {
  for (const one of agents.splice(0)) one.destroy();
  server?.closeAllConnections();
  server?.close();
});

async function serve(from = ca, dates = YEAR_2001, ip = '127.0.0.1'): Promise<number> {
  const { certificate, key } = await from.issue('server', ip, dates);
  const opened = createServer({ cert: certificate, key }, (_req, res) => res.end('hello'));
  server = opened;
  opened.on('secureConnection', (socket) => sessions.push(socket.isSessionReused()));
  await new Promise<void>((resolve) => opened.listen(0, '127.0.0.1', resolve));
  return (opened.address() as AddressInfo).port;
}
function agentOf(nowMs: number | null, changes: Partial<Pin> = {}): PinnedAgent {
  const pin = { caPem: ca.pem, host: '127.0.0.1', nowMs: nowMs === null ? null : () => nowMs };
  const agent = new PinnedAgent({ ...pin, ...changes });
  agents.push(agent);
  return agent;
}
/** What came back, or the sentence of the refusal. */
async function ask(port: number, agent: PinnedAgent, headers = {}): Promise<string> {
  try {
    const url = `https://127.0.0.1:${port}/`;
    return await readText(await callHttps({ method: 'GET', url, headers, agent, idleMs: 5_000 }), 100);
  } catch (err) {
    return (err as Error).message.replace(/^\S+ /, '');
  }
}

describe('dates are judged by trusted now', () => {
  it('and not by the clock of the machine', async () => {
    expect(await ask(await serve(), agentOf(IN_DATE))).toBe('hello');
  });

  it.each([
    ['before they begin', '2000-06-01', 'CN=server begins at'],
    ['after they ended', '2002-06-01', 'CN=server ended at'],
    ["after their authority's end", '2010-06-01', 'ended at'],
  ])('%s', async (_, day, words) => {
    const isForAuthority = day === '2010-06-01';
    const leaf = isForAuthority ? { notBefore: at('2009-01-01'), notAfter: at('2012-01-01') } : YEAR_2001;
    expect(await ask(await serve(ca, leaf), agentOf(at(day).getTime()))).toContain(words);
  });

  it('also for a session that is resumed', async () => {
    const port = await serve();
    let nowMs = IN_DATE;
    const agent = agentOf(0, { nowMs: () => nowMs });
    const close = { connection: 'close' };
    expect(await ask(port, agent, close)).toBe('hello');
    expect(await ask(port, agent, close)).toBe('hello');
    expect(sessions).toEqual([false, true]);
    nowMs = at('2003-01-01').getTime();
    expect(await ask(port, agent, close)).toContain('CN=server ended at');
  });
});

describe('where dates are ignored, everything else counts', () => {
  it('a certificate of any year answers', async () => {
    expect(await ask(await serve(), agentOf(null))).toBe('hello');
  });

  it('not one of another authority, not even of the same name', async () => {
    const impostor = await makeTestCa('lab');
    expect(await ask(await serve(impostor), agentOf(null))).toMatch(/certificate|signature/);
  });

  it('not one for another name', async () => {
    expect(await ask(await serve(ca, YEAR_2001, '10.1.2.3'), agentOf(null))).toContain('10.1.2.3');
    expect(await ask(await serve(), agentOf(null, { host: 'fleet.example' }))).toContain('fleet.example');
  });
});
