import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AgentProcess } from '../lab/agent-process.ts';
import type { Device } from '../lab/device.ts';
import type { FaultFamily } from './kind.ts';
import { inEveryState, STATES } from './staged.ts';

const THERE_MS = 2_000;

interface Victim {
  readonly kind: string;
  readonly at: string;
  /** Which file, of those that are there. */
  readonly find: (stateDir: string) => string | undefined;
  readonly states?: readonly string[];
  readonly excused?: RegExp;
  /** Damage from the first byte on, instead of in the middle. */
  readonly isFromStart?: boolean;
}

const fixed =
  (name: string) =>
  (stateDir: string): string | undefined =>
    existsSync(join(stateDir, name)) ? join(stateDir, name) : undefined;

/** Nothing verified is on the device any more: it is fetched anew, which takes as long as the network. */
const FETCHED = /^its first answer took /;

/** SQLite takes a damaged frame for the end of its log, and with it the number of a heartbeat is gone that was sent. */
const HEARTBEAT_TWICE = / once more: \["tele"/;
const LOG = { kind: 'corrupted journal', find: fixed('control.db-wal'), excused: HEARTBEAT_TWICE };
/** What a removal leaves. */
const HAS_SLOTS = STATES.filter((state) => state !== 'removing');

const VICTIMS: readonly Victim[] = [
  ...['control.db', 'tele.db', 'last-known.json', 'agent.lock'].map((name) => ({
    kind: 'corrupted journal',
    at: name,
    find: fixed(name),
  })),
  { ...LOG, at: 'control.db-wal' },
  { ...LOG, at: 'control.db-wal, all of it', isFromStart: true },
  {
    kind: 'corrupted slot',
    at: 'model of 1.0.0',
    find: (dir) => modelIn(join(dir, 'slots/tiny/1.0.0')),
    states: HAS_SLOTS,
    excused: FETCHED,
  },
  {
    kind: 'corrupted slot',
    at: 'manifest of 1.0.0',
    find: fixed('slots/tiny/1.0.0/manifest.json'),
    states: HAS_SLOTS,
    excused: FETCHED,
  },
  {
    kind: 'corrupted slot',
    at: 'model of 1.1.0',
    find: (dir) => modelIn(join(dir, 'slots/tiny/1.1.0')),
    states: ['preflight', 'ready', 'shadow', 'activating', 'soaking'],
  },
  {
    kind: 'corrupted blob',
    at: 'partial download',
    find: (dir) => newestIn(join(dir, 'blobs/partial')),
    states: ['downloading'],
  },
  {
    kind: 'corrupted blob',
    at: 'blob of the release',
    find: (dir) => largestBlob(join(dir, 'blobs/sha256')),
    states: ['downloading', 'verifying', 'preflight'],
  },
];

/** The agent is killed, a file of it is overwritten in the middle, and it starts again. */
export const corruptedFiles: FaultFamily = {
  kinds: [...new Set(VICTIMS.map(({ kind }) => kind))],
  faults: async () =>
    VICTIMS.flatMap(({ find, states = STATES, isFromStart = false, ...one }) =>
      inEveryState({ ...one, harm: (device, agent) => corrupt(device, agent, find, isFromStart) }, states),
    ),
};

async function corrupt(
  device: Device,
  agent: AgentProcess,
  find: Victim['find'],
  isFromStart: boolean,
): Promise<string | null> {
  await untilThere(() => find(device.stateDir));
  agent.signal('SIGKILL');
  await agent.ended;
  await agent.untilGone(10_000);
  const path = find(device.stateDir);
  if (path === undefined) return null;
  const before = readFileSync(path);
  const after = Buffer.from(before);
  const from = isFromStart ? 0 : Math.floor(before.length / 3);
  // Over all bytes of the middle; a file without any gets some.
  const damaged =
    before.length === 0
      ? Buffer.from('not a database at all')
      : after.fill(0xa5, from, isFromStart ? before.length : 2 * from + 1);
  writeFileSync(path, damaged);
  return `SIGKILL, then ${damaged.length - from} of ${before.length} bytes of ${path.slice(device.stateDir.length + 1)} are others`;
}

/** Some files come and go; what does not come in time is missed, and tried again. */
async function untilThere(find: () => string | undefined): Promise<void> {
  const deadline = performance.now() + THERE_MS;
  while (find() === undefined && performance.now() < deadline) await nextTurn();
}

function modelIn(slot: string): string | undefined {
  if (!existsSync(slot)) return undefined;
  return readdirSync(slot, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name === 'model.onnx')
    .map((entry) => join(entry.parentPath, entry.name))[0];
}

function newestIn(folder: string): string | undefined {
  const [name] = existsSync(folder) ? readdirSync(folder) : [];
  return name === undefined ? undefined : join(folder, name);
}

function largestBlob(folder: string): string | undefined {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((a, b) => readFileSync(b).length - readFileSync(a).length)[0];
}
