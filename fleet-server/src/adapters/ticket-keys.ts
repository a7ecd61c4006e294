import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from './write-durably.ts';

/** Who has these keys can read recorded traffic of resumed sessions: none lives longer than a day. */
const ROTATE_MS = 86_400_000;
const KEY_BYTES = 48;

export interface TicketKeys {
  /** For `ticketKeys` of both device listeners. */
  readonly current: Buffer;
  /** Makes a new key when the one in use is a day old; tickets of the old one then cost one full handshake. */
  rotate(nowMs: number): Promise<boolean>;
}

/**
 * The keys of TLS session tickets, in keys/tickets.json: without them a restart would make ten thousand devices do full
 * handshakes at once. They let nobody in: identity is checked at every contact.
 */
export async function openTicketKeys(dataDir: string, nowMs: number): Promise<TicketKeys> {
  const folder = join(dataDir, 'keys');
  const file = join(folder, 'tickets.json');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let state = await readKeys(file);
  const rotate = async (atMs: number): Promise<boolean> => {
    // A clock that was set back must not keep a key for ever.
    if (state && atMs >= state.madeAtMs && atMs - state.madeAtMs < ROTATE_MS) return false;
    const made = { key: randomBytes(KEY_BYTES), madeAtMs: atMs };
    await writeDurably(file, `${JSON.stringify({ key: made.key.toString('hex'), madeAtMs: atMs })}\n`, 0o600);
    state = made;
    return true;
  };
  await rotate(nowMs);
  return {
    get current() {
      return state?.key ?? randomBytes(KEY_BYTES);
    },
    rotate,
  };
}

async function readKeys(file: string): Promise<{ key: Buffer; madeAtMs: number } | null> {
  try {
    const { key, madeAtMs } = JSON.parse(await readFile(file, 'utf8')) as { key: string; madeAtMs: number };
    const bytes = Buffer.from(key, 'hex');
    return bytes.length === KEY_BYTES && Number.isInteger(madeAtMs) ? { key: bytes, madeAtMs } : null;
  } catch {
    // Not there, or cut off: a new one costs a full handshake per device and nothing else.
    return null;
  }
}
