import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CliContext } from './context.ts';
import { passphraseOf } from './passphrase.ts';
import { type Demand, type Draft, demandsOf, isComplete, signDraft } from './trust-draft.ts';
import type { TrustFolder } from './trust-folder.ts';
import { openSigner } from './trust-key.ts';
import { keyLabel } from './trust-key-names.ts';

export interface SigningFlags {
  readonly key?: string;
  readonly passphraseFile?: string;
}

/** What a ceremony step left: in force in the folder, or a draft that waits. */
export interface Outcome {
  readonly role: string;
  readonly isComplete: boolean;
  readonly draft: string | null;
  readonly demands: readonly {
    readonly what: string;
    readonly threshold: number;
    readonly signed: readonly string[];
    readonly missing: readonly string[];
    readonly isMet: boolean;
  }[];
}

/**
 * Puts a new document on its way. Where one signature is enough and its key lies in the folder (or was given), it is signed
 * and in force at once; otherwise it stays a draft for others to sign.
 */
export async function startDraft(
  cli: Pick<CliContext, 'env' | 'signal' | 'dryRun'>,
  folder: TrustFolder,
  draft: Draft,
  flags: SigningFlags,
): Promise<Outcome> {
  if (cli.dryRun) return outcomeOf(draft, null);
  const isOneEnough = demandsOf(draft).every((demand) => demand.threshold === 1);
  const keyFile = flags.key ?? (isOneEnough ? await localKeyFor(folder, demandsOf(draft)) : undefined);
  if (keyFile === undefined) return outcomeOf(draft, await folder.keepDraft(draft));
  const signed = signDraft(draft, await openSigner(keyFile, await passphraseOf(cli, flags)));
  return await settle(folder, signed);
}

/** Installs a draft that has all its signatures, keeps it otherwise. */
export async function settle(folder: TrustFolder, draft: Draft): Promise<Outcome> {
  if (!isComplete(draft)) return outcomeOf(draft, await folder.keepDraft(draft));
  await folder.install(draft);
  return outcomeOf(draft, null);
}

export function outcomeOf(draft: Draft, path: string | null): Outcome {
  const demands = demandsOf(draft).map(({ what, threshold, signed, missing, isMet }) => ({
    what,
    threshold,
    signed,
    missing,
    isMet,
  }));
  return { role: draft.role, isComplete: isComplete(draft), draft: path, demands };
}

/** Who has signed and who still may, in words. */
export function signingLines(
  outcome: Pick<Outcome, 'demands'>,
  names: ReadonlyMap<string, string>,
): readonly string[] {
  return outcome.demands.map(({ what, threshold, signed, missing, isMet }) => {
    const label = (keyids: readonly string[]) => keyids.map((keyid) => keyLabel(keyid, names)).join(', ');
    if (isMet) return `  ${what}: complete, signed by ${label(signed)}`;
    const left = threshold - signed.length;
    return `  ${what}: ${signed.length} of ${threshold} signed; still ${left} of: ${label(missing)}`;
  });
}

/** The file of a key in `keys/` that a demand names: one file that counts for all demands at once. */
async function localKeyFor(folder: TrustFolder, demands: readonly Demand[]): Promise<string | undefined> {
  const keys = join(folder.path, 'keys');
  for (const file of (await readdir(keys).catch(() => [] as string[])).sort()) {
    if (!file.endsWith('.key.json')) continue;
    const keyid = keyIdIn(await readFile(join(keys, file), 'utf8'));
    if (demands.every((demand) => demand.role.keys.has(keyid))) return join(keys, file);
  }
  return undefined;
}

function keyIdIn(text: string): string {
  try {
    return String((JSON.parse(text) as { keyid?: unknown }).keyid);
  } catch {
    // No key file: it cannot be the one that is looked for, and opening it would say why.
    return '';
  }
}
