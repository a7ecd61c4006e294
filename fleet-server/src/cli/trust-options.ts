import { CodedError } from '@ringfleet/shared/errors';
import { parseDuration } from '../core/duration.ts';
import type { SigningFlags } from './trust-signing.ts';

/** Flags that the verbs of the ceremony share. */
export type FolderFlags = SigningFlags & { readonly dir: string; readonly expires: string };

export const PASSPHRASE = [
  '--passphrase-file <file>',
  'first line opens the key (or RINGFLEET_KEY_PASSPHRASE)',
] as const;
export const DIR = ['--dir <dir>', 'folder that `trust init` made'] as const;
export const EXPIRES = ['--expires <duration>', 'how long it is valid from now', '365d'] as const;

/** When something signed now is past its date. Throws USAGE_INVALID. */
export function expiresAt(text: string): number {
  const forMs = parseDuration(text);
  if (forMs === null || forMs <= 0)
    throw new CodedError('USAGE_INVALID', 'write --expires like 365d', { at: '--expires' });
  return Date.now() + forMs;
}

export const passphraseFlag = ({ passphraseFile }: { readonly passphraseFile?: string }): SigningFlags =>
  passphraseFile === undefined ? {} : { passphraseFile };
