import { createInterface } from 'node:readline/promises';
import { CodedError } from '@ringfleet/shared/errors';
import type { CliContext } from './context.ts';
import { resolveConnection, resolveServer } from './context-connection.ts';
import { HttpClient } from './http-client.ts';
import type { Streams } from './output.ts';

export interface GlobalFlags {
  readonly server?: string;
  readonly profile?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly timeout?: number;
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** Ends a --dry-run at the first request that would have changed something. */
export class DryRunEnd extends Error {}

/** The context of a real command line. The server is looked up at the first request: offline verbs need none. */
export function liveContext(
  flags: GlobalFlags,
  env: Readonly<Record<string, string | undefined>>,
  streams: Streams,
  signal: AbortSignal,
  onClose: (close: () => Promise<void>) => void,
): CliContext {
  const clients = new Map<boolean, HttpClient>();
  const connect = (isAnonymous = false): HttpClient => {
    const known = clients.get(isAnonymous);
    if (known) return known;
    const connection = isAnonymous
      ? { ...resolveServer(flags, env), token: null }
      : resolveConnection(flags, env);
    const client = new HttpClient(connection, signal);
    clients.set(isAnonymous, client);
    onClose(() => client.close());
    return client;
  };
  const json = flags.json ?? false;
  const dryRun = flags.dryRun ?? false;
  const stopIfDry = (what: string): void => {
    if (!dryRun) return;
    streams.err(`would send ${what}\n`);
    throw new DryRunEnd();
  };
  return {
    json,
    dryRun,
    env,
    signal,
    yes: flags.yes ?? false,
    watch: flags.watch ?? false,
    timeoutMs: flags.timeout ?? null,
    request: async (method, path, body, options) => {
      if (method !== 'GET' && method !== 'HEAD') stopIfDry(`${method} ${path} ${JSON.stringify(body) ?? ''}`);
      return connect(options?.isAnonymous).request(method, path, body, options);
    },
    upload: async (path, stream, length) => {
      stopIfDry(`PUT ${path} (${length} bytes)`);
      await connect().upload(path, stream, length);
    },
    download: (path, from) => connect().download(path, from),
    print: (value, text) => streams.out(json ? `${JSON.stringify(value)}\n` : `${text}\n`),
    progress: (line) => streams.err(`${line}\n`),
    confirm: (question) => confirm(question, flags, signal),
  };
}

async function confirm(question: string, flags: GlobalFlags, signal: AbortSignal): Promise<void> {
  if (flags.yes || flags.dryRun) return;
  if (!process.stdin.isTTY) throw new CodedError('CONFIRMATION_NEEDED', question);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new CodedError('CANCELLED');
  } finally {
    terminal.close();
  }
}
