import type { SendDatagram } from './unix-datagram.ts';

const SOCKET = '/run/systemd/journal/socket';
const PRIORITIES: Readonly<Record<string, number>> = {
  fatal: 2,
  error: 3,
  warn: 4,
  info: 6,
  debug: 7,
  trace: 7,
};
/** Fields of their own in the journal, to search by: `journalctl RINGFLEET_MODEL=door-camera`. */
const SEARCHABLE = ['component', 'device', 'model', 'release', 'rollout', 'code'] as const;
const MAX_MESSAGE_BYTES = 48 * 1024;

/**
 * Takes pino's lines and writes journal entries: a sentence for people, the fields, and the whole line as RINGFLEET_JSON.
 * What the journal does not take goes to `otherwise`.
 */
export function journaldStream(
  send: SendDatagram,
  otherwise: (line: string) => void,
): { write(line: string): void } {
  return {
    write: (line) => {
      if (line.length > MAX_MESSAGE_BYTES || !send(SOCKET, entryOf(line))) otherwise(line);
    },
  };
}

/** Exported for its test. */
export function entryOf(line: string): string {
  const fields = JSON.parse(line) as Record<string, unknown>;
  const entry: Record<string, unknown> = {
    MESSAGE: sentenceOf(fields),
    PRIORITY: PRIORITIES[String(fields['level'])] ?? 6,
    SYSLOG_IDENTIFIER: 'ringfleet-agent',
    RINGFLEET_JSON: line.trim(),
  };
  for (const name of SEARCHABLE) {
    if (fields[name] !== undefined) entry[`RINGFLEET_${name.toUpperCase()}`] = fields[name];
  }
  return Object.entries(entry)
    .map(([name, value]) => `${name}=${String(value).replaceAll('\n', ' ')}\n`)
    .join('');
}

/** `update state: model=door-camera from=ready to=activating`. */
function sentenceOf({
  level: _,
  time: _t,
  msg,
  component: _c,
  err,
  ...rest
}: Record<string, unknown>): string {
  const words = Object.entries(rest).flatMap(([name, value]) => {
    const text = wordOf(value);
    return text === null ? [] : [`${name}=${text}`];
  });
  const message = (err as { message?: unknown } | undefined)?.message;
  if (message !== undefined) words.push(`(${String(message)})`);
  return words.length > 0 ? `${msg}: ${words.join(' ')}` : String(msg);
}

/** Lists of words go with commas; null for what has no place in a sentence. */
function wordOf(value: unknown): string | null {
  if (Array.isArray(value)) {
    return value.length > 0 && value.every((one) => typeof one === 'string') ? value.join(',') : null;
  }
  return typeof value === 'object' || value === undefined ? null : String(value);
}
