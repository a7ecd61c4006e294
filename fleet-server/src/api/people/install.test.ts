import { spawn, spawnSync } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPki } from '../../adapters/pki.ts';
import { SILENT } from '../../ports/log.ts';
import { NOW_MS, openPeople, type PeopleFixture, publishTrust } from '../people-fixture.ts';

const ARCH = process.arch === 'x64' ? 'amd64' : 'arm64';
const FILE = `ringfleet-agent_0.0.0_${ARCH}.deb`;
const BYTES = randomBytes(50_000);
const hex = createHash('sha256').update(BYTES).digest('hex');

let dir: string;
let people: PeopleFixture;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rf-install-'));
  await writeFile(join(dir, FILE), BYTES);
  await writeFile(join(dir, `ringfleet-agent_9.9.9_${ARCH}.deb`), 'of another version');
  await writeFile(join(dir, 'secret'), 'of somebody else');
  people = await openPeople({ packagesDir: dir });
  await publishTrust(people);
});
afterAll(async () => {
  await people.close();
  await rm(dir, { recursive: true, force: true });
});

describe('what a device installs from', () => {
  it('is listed with its digest, signed by the online key, for anybody', async () => {
    const answer = await people.ask('GET', '/api/v1/agent-packages', undefined, {});
    expect(answer.json()).toMatchObject({
      signed: {
        version: '0.0.0',
        packages: [{ file: FILE, arch: ARCH, sizeBytes: BYTES.length, sha256: hex }],
      },
      signatures: [{ keyid: people.keys.online.keyid }],
    });
  });

  it('is served as it was listed, and nothing else of the folder', async () => {
    const answer = await people.ask('GET', `/install/${FILE}`, undefined, {});
    expect(answer.rawPayload.equals(BYTES)).toBe(true);
    for (const name of [
      'secret',
      `ringfleet-agent_9.9.9_${ARCH}.deb`,
      '..%2Fsecret',
      '..%2F..%2Fetc%2Fpasswd',
    ]) {
      expect((await people.ask('GET', `/install/${name}`, undefined, {})).statusCode).toBe(404);
    }
  });

  it('is listed anew when the file changes', async () => {
    const before = await people.ask('GET', '/install/SHA256SUMS', undefined, {});
    expect(before.body).toBe(`${hex}  ${FILE}\n`);
    await writeFile(join(dir, FILE), 'changed');
    const after = await people.ask('GET', '/install/SHA256SUMS', undefined, {});
    expect(after.body).not.toBe(before.body);
    await writeFile(join(dir, FILE), BYTES);
  });

  it('comes with one line that fetches the script by the fingerprint of the authority', async () => {
    const made = await people.ask('POST', '/api/v1/tokens/enrollment', { name: 'one' });
    const ca = await people.ask('GET', '/install/ca.pem', undefined, {});
    const fingerprint = createHash('sha256').update(ca.body).digest('hex');
    const line = made.json<{ install: string }>().install;
    expect(line).toContain(`'${fingerprint}  ringfleet-ca.pem'`);
    const key = createPublicKey({ key: Buffer.from(keyOf(line), 'base64'), format: 'der', type: 'spki' });
    const sums = await people.ask('GET', '/install/SHA256SUMS', undefined, {});
    const signature = await people.ask('GET', '/install/SHA256SUMS.sig', undefined, {});
    expect(verify(null, sums.rawPayload, key, signature.rawPayload)).toBe(true);
  });
});

const isHere = (tool: string, argument: string): boolean => spawnSync(tool, [argument]).status === 0;
const canRun = isHere('curl', '--version') && isHere('openssl', 'version');

describe.skipIf(!canRun)('install.sh', () => {
  let url: string;
  let stop: () => void;
  let key: string;
  /** Answers of somebody in between, by path. */
  const tampered = new Map<string, string>();
  beforeAll(async () => {
    const pki = await openPki(dir, {
      fleet: 'test',
      publicHost: '127.0.0.1',
      nowMs: Date.now(),
      log: SILENT,
    });
    await writeFile(join(dir, 'ca.pem'), pki.caPem);
    await writeFile(join(dir, 'token'), 'rfe1.x');
    const server = createServer(pki.serverTls, (request, reply) => {
      const other = tampered.get(request.url ?? '');
      if (other !== undefined) return void reply.end(other);
      people.app.inject({ method: 'GET', url: request.url ?? '/' }).then(
        (answer) => reply.writeHead(answer.statusCode).end(answer.rawPayload),
        () => reply.writeHead(500).end(),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    stop = () => server.close();
    await fakeTools();
    const made = await people.ask('POST', '/api/v1/tokens/enrollment', { name: 'two' });
    key = keyOf(made.json<{ install: string }>().install);
    await writeFile(join(dir, 'install.sh'), (await people.ask('GET', '/install.sh', undefined, {})).body);
  });
  afterAll(() => stop());

  it('installs what the server lists, enrolls with the token and ends with what doctor says', async () => {
    const { code, text } = await install('ca.pem');
    expect([code, text]).toEqual([0, expect.stringContaining('verdict: ready')]);
    const calls = await readFile(join(dir, 'calls'), 'utf8');
    expect(calls).toMatch(new RegExp(`^dpkg ${hex}\nenroll --token-file \\S+token --id d-1\ndoctor\n$`));
  });

  it('installs nothing of a server that another authority signed, or whose bytes are others', async () => {
    const other = join(dir, 'other');
    const pki = await openPki(other, { fleet: 'test', publicHost: '127.0.0.1', nowMs: NOW_MS, log: SILENT });
    await writeFile(join(dir, 'other.pem'), pki.caPem);
    expect(await install('other.pem')).toMatchObject({ code: 4, calls: '' });
    tampered.set(`/install/${FILE}`, 'other bytes');
    const seen = await install('ca.pem');
    expect(seen).toMatchObject({ code: 3, calls: '', text: expect.stringContaining('its sha256 differs') });
    tampered.clear();
  });

  it('installs nothing of a list that its key did not sign, whoever answers over TLS', async () => {
    const refused = { code: 3, calls: '', text: expect.stringContaining('is not signed by the key') };
    const other = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' });
    expect(await install('ca.pem', {}, other.toString('base64'))).toMatchObject(refused);
    const bytes = 'the package of somebody in between';
    tampered.set(`/install/${FILE}`, bytes);
    tampered.set('/install/SHA256SUMS', `${createHash('sha256').update(bytes).digest('hex')}  ${FILE}\n`);
    expect(await install('ca.pem')).toMatchObject(refused);
    tampered.clear();
  });

  it('says in one sentence what it does not run on', async () => {
    const seen = await install('ca.pem', { FAKE_MACHINE: 'riscv64' });
    expect(seen).toMatchObject({
      code: 1,
      calls: '',
      text: expect.stringContaining('riscv64 is not supported'),
    });
  });

  /** What it calls, instead of the real ones: says what it was called with. */
  async function fakeTools(): Promise<void> {
    const bin = join(dir, 'bin');
    await mkdir(bin);
    const tools = {
      dpkg: `echo "dpkg $(sha256sum < "$3" | cut -c 1-64)" >> "${dir}/calls"`,
      id: 'echo 0',
      systemctl: 'true',
      uname: `[ "$1" = -m ] && echo "\${FAKE_MACHINE:-${ARCH === 'amd64' ? 'x86_64' : 'aarch64'}}" || echo Linux`,
      'ringfleet-agent': `echo "$*" >> "${dir}/calls"; [ "$1" != doctor ] || echo 'verdict: ready'`,
    };
    for (const [name, body] of Object.entries(tools)) {
      await writeFile(join(bin, name), `#!/bin/sh\n${body}\n`);
      await chmod(join(bin, name), 0o755);
    }
  }

  async function install(ca: string, env: Record<string, string> = {}, itsKey = key) {
    await rm(join(dir, 'calls'), { force: true });
    const args = [join(dir, 'install.sh'), '--url', url, '--ca', join(dir, ca), '--key', itsKey];
    const child = spawn('sh', [...args, '--token-file', join(dir, 'token'), '--id', 'd-1'], {
      env: { ...process.env, ...env, PATH: `${join(dir, 'bin')}:${process.env['PATH']}` },
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
    }
    const [code] = (await once(child, 'close')) as [number];
    const calls = await readFile(join(dir, 'calls'), 'utf8').catch(() => '');
    return { code, text, calls };
  }
});

const keyOf = (line: string): string => / --key (\S+) /.exec(line)?.[1] ?? '';
