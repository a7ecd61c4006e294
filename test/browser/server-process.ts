import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_DEADLINE_MS = 30_000;

export interface ServerProcess {
  /** The plain loopback listener of the people's side. */
  readonly url: string;
  /** The people's side over TLS, and the devices'. */
  readonly httpsUrl: string;
  readonly deviceUrl: string;
  /** The one-time sign-in link that the server printed. */
  readonly signInUrl: string;
  /** The one-time link for the first administrator; empty once there is a person. */
  readonly setUpUrl: string;
  readonly adminToken: string;
  /** A call of the people's API as the administrator; throws on any refusal. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** A real fleet server on free ports, with `dataDir` as its data folder. `plainPort` as it was before, or 0. */
export async function startServer(dataDir: string, plainPort = 0): Promise<ServerProcess> {
  const config = join(dataDir, 'server.yaml');
  await writeFile(
    config,
    `fleet: north-plant
dataDir: ${dataDir}
publicHost: localhost
people: { host: 127.0.0.1, port: 0, plainPort: ${plainPort} }
device: { host: 127.0.0.1, port: 0 }
mqtt: { host: 127.0.0.1, port: 0 }
tickMs: 100
`,
  );
  const child = spawn(
    process.execPath,
    ['--conditions=source', 'fleet-server/src/main.ts', '--config', config],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ready = await readyLine(child);
  const adminToken = (await readFile(join(dataDir, 'keys/admin.token'), 'utf8')).trim();
  const url = ready['plain'] ?? '';
  return {
    url,
    httpsUrl: ready['people'] ?? '',
    deviceUrl: ready['device'] ?? '',
    signInUrl: ready['signIn'] ?? '',
    setUpUrl: ready['setUp'] ?? '',
    adminToken,
    call: (method, path, body) => call(url, adminToken, method, path, body),
    stop: () => stop(child),
  };
}

async function readyLine(child: ChildProcess): Promise<Record<string, string>> {
  if (!child.stdout) throw new Error('no stdout');
  const timer = setTimeout(() => child.kill('SIGKILL'), START_DEADLINE_MS);
  const seen: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    seen.push(line);
    const value = JSON.parse(line) as Record<string, string>;
    if (value['msg'] !== 'server ready') continue;
    clearTimeout(timer);
    child.stdout.resume();
    return value;
  }
  throw new Error(`the server ended before it was ready:\n${seen.join('\n')}`);
}

async function call(
  url: string,
  token: string,
  method: string,
  path: string,
  body: unknown,
): Promise<unknown> {
  const response = await fetch(`${url}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
