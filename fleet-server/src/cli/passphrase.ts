import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CodedError } from '@ringfleet/shared/errors';
import type { CliContext } from './context.ts';

export interface PassphraseOptions {
  readonly passphraseFile?: string;
  /** Ask twice, for a passphrase that is about to lock something. */
  readonly isNew?: boolean;
}

/**
 * The passphrase of key files: from --passphrase-file, RINGFLEET_KEY_PASSPHRASE, or asked on a terminal without echo.
 * Never a flag: those show in process lists. Throws KEY_PASSPHRASE_MISSING.
 */
export async function passphraseOf(
  context: Pick<CliContext, 'env' | 'signal'>,
  options: PassphraseOptions,
): Promise<string> {
  const passphrase = await read(context, options);
  if (passphrase === '') throw new CodedError('KEY_PASSPHRASE_MISSING', 'the passphrase is empty');
  return passphrase;
}

async function read(
  context: Pick<CliContext, 'env' | 'signal'>,
  options: PassphraseOptions,
): Promise<string> {
  if (options.passphraseFile !== undefined) return await firstLine(options.passphraseFile);
  const fromEnvironment = context.env['RINGFLEET_KEY_PASSPHRASE'];
  if (fromEnvironment !== undefined) return fromEnvironment;
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new CodedError('KEY_PASSPHRASE_MISSING');
  const passphrase = await ask('Passphrase of the key: ', context.signal);
  if (options.isNew && passphrase !== (await ask('Once more: ', context.signal))) {
    throw new CodedError('KEY_PASSPHRASE_WRONG', 'the two passphrases differ');
  }
  return passphrase;
}

export async function firstLine(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).split(/\r?\n/, 1)[0] ?? '';
  } catch (cause) {
    throw new CodedError('FILE_UNREADABLE', path, { cause });
  }
}

/** Asks on a terminal without showing what is typed. */
export async function ask(question: string, signal: AbortSignal): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await terminal.question('', { signal });
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
